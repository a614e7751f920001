/** A cron expression of five fields, in UTC: minute, hour, day of month, month, day of week (0 and 7 are Sunday). */
export interface Cron {
  minutes: ReadonlySet<number>;
  hours: ReadonlySet<number>;
  days: ReadonlySet<number>;
  months: ReadonlySet<number>;
  weekdays: ReadonlySet<number>;
  /** Where both days are restricted, either may match: that is what cron does. */
  eitherDay: boolean;
}

const shorthand: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};
const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const minuteMs = 60_000;

/** @throws Error that names the field which is wrong */
export function parseCron(expression: string): Cron {
  const fields = (shorthand[expression.trim()] ?? expression.trim()).split(/\s+/);
  if (fields.length !== 5) throw new Error(`"${expression}" has ${fields.length} fields, not 5`);
  const [minute, hour, day, month, weekday] = fields as [string, string, string, string, string];
  const weekdays = parseField(weekday, 'day of week', 0, 7, dayNames, 0);
  return {
    minutes: parseField(minute, 'minute', 0, 59),
    hours: parseField(hour, 'hour', 0, 23),
    days: parseField(day, 'day of month', 1, 31),
    months: parseField(month, 'month', 1, 12, monthNames, 1),
    weekdays: new Set([...weekdays].map((n) => n % 7)),
    eitherDay: !day.startsWith('*') && !weekday.startsWith('*'),
  };
}

export function matches(cron: Cron, at: Date): boolean {
  const day = cron.days.has(at.getUTCDate());
  const weekday = cron.weekdays.has(at.getUTCDay());
  return (
    cron.minutes.has(at.getUTCMinutes()) &&
    cron.hours.has(at.getUTCHours()) &&
    cron.months.has(at.getUTCMonth() + 1) &&
    (cron.eitherDay ? day || weekday : day && weekday)
  );
}

/** The first matching minute after `from`; undefined when there is none in eight years (30 February). */
export function nextRun(cron: Cron, from: Date): Date | undefined {
  const end = from.getTime() + 8 * 366 * 24 * 60 * minuteMs;
  let at = (Math.floor(from.getTime() / minuteMs) + 1) * minuteMs;
  while (at <= end) {
    const date = new Date(at);
    if (matches(cron, date)) return date;
    // Whole days and hours that cannot match are passed in one step.
    if (!dayMatches(cron, date)) at = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() + 1);
    else if (!cron.hours.has(date.getUTCHours())) at = (Math.floor(at / (60 * minuteMs)) + 1) * 60 * minuteMs;
    else at += minuteMs;
  }
  return undefined;
}

function dayMatches(cron: Cron, date: Date): boolean {
  const probe = { ...cron, minutes: new Set([date.getUTCMinutes()]), hours: new Set([date.getUTCHours()]) };
  return matches(probe, date);
}

/** `*`, `5`, `1-5`, every fifteenth as `0-59/15`, `10-40/10`, and lists of these. */
function parseField(
  text: string,
  what: string,
  min: number,
  max: number,
  names: string[] = [],
  first = 0,
): Set<number> {
  const number = (word: string): number => {
    const named = names.indexOf(word.toLowerCase());
    const value = named >= 0 ? named + first : /^\d+$/.test(word) ? Number(word) : Number.NaN;
    if (!(value >= min && value <= max)) throw new Error(`${what} "${text}": ${word} is not from ${min} to ${max}`);
    return value;
  };
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [, range, step] = /^([^/]+)(?:\/(\d+))?$/.exec(part) ?? [];
    if (range === undefined || step === '0') throw new Error(`${what} "${text}" is not understood`);
    const [low, high] = range === '*' ? [String(min), String(max)] : range.split('-');
    const from = number(low!);
    const to = high === undefined ? (step ? max : from) : number(high);
    if (to < from) throw new Error(`${what} "${text}": ${to} comes before ${from}`);
    for (let value = from; value <= to; value += Number(step ?? 1)) values.add(value);
  }
  return values;
}
