import type { RegionAnswers } from '../agent/answers.ts';
import { quiet } from '../quiet.ts';
import type { SourceSide } from '../source/source-side.ts';
import { reportsOf, type TargetSide } from '../target/target-side.ts';
import { followBack } from './follow.ts';
import { forget } from './forget.ts';
import { closeWayBackHere, openWayBackHere } from './open.ts';
import { proveWayBack, type WayBackOf } from './prove.ts';
import { retained } from './retained.ts';

/**
 * What belongs to both sides: the side that an app leaves becomes the copy of the side that it goes to. To the first, the
 * control plane says what `source` has here, to the second what `target` has.
 */
export function wayBackProcedures(source: SourceSide, target: TargetSide, wayBackOf: WayBackOf) {
  return {
    source: {
      proveWayBack: quiet((input) => proveWayBack(target, wayBackOf, input)),
      followBack: quiet(async (input) => followBack(target, input)),
      followingBack: async ({ migration }) =>
        target.records.find(migration, 'target') ? reportsOf(target, migration) : [],
      retained: (input) => retained(source, target.dataFolder, input),
    } satisfies Partial<RegionAnswers['source']>,
    target: {
      openWayBack: quiet((input) => openWayBackHere(source, target, input)),
      closeWayBack: quiet((input) => closeWayBackHere(source, input)),
      forget: quiet((input) => forget(target, input)),
    } satisfies Partial<RegionAnswers['target']>,
  };
}
