import { mariadbRace } from './copy/mariadb.ts';
import { postgresRace } from './copy/postgres.ts';
import { type CopyMeasurement, type RaceOptions, raceOf } from './copy/race.ts';
import { redisRace } from './copy/redis.ts';

/** The first copy of each engine against its peers. */
export async function* benchCopy(options: RaceOptions = {}): AsyncGenerator<CopyMeasurement> {
  for (const race of [postgresRace, mariadbRace, redisRace]) yield* raceOf(race, options);
}
