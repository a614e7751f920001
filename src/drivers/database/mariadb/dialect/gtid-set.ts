/** First and last number, both part of it. */
type Interval = readonly [first: bigint, last: bigint];

/**
 * A set of transactions as MySQL writes it: `uuid:1-5:8,uuid:tag:1-3`, lines broken anywhere between. Numbers of one origin (a
 * server, or a tag of it) are kept in order, apart from each other and as few as can be.
 */
export class GtidSet {
  readonly #origins: ReadonlyMap<string, readonly Interval[]>;

  private constructor(origins: Map<string, Interval[]>) {
    const kept = [...origins].map(([origin, intervals]): [string, Interval[]] => [origin, joined(intervals)]);
    this.#origins = new Map(kept.filter(([, intervals]) => intervals.length > 0).sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Throws for what is no such set: a position that is not understood is never taken for an empty one. */
  static parse(text: string): GtidSet {
    const origins = new Map<string, Interval[]>();
    for (const part of text.split(',').map((one) => one.trim().toLowerCase())) {
      if (part === '') continue;
      const [uuid, ...words] = part.split(':').map((word) => word.trim());
      if (!uuid || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid) || words.length === 0) throw unknown(text);
      let origin = uuid;
      for (const word of words) {
        const range = /^([0-9]+)(?:\s*-\s*([0-9]+))?$/.exec(word);
        if (range) add(origins, origin, [BigInt(range[1]!), BigInt(range[2] ?? range[1]!)]);
        else if (/^[a-z_][a-z0-9_]{0,31}$/.test(word)) origin = `${uuid}:${word}`;
        else throw unknown(text);
      }
    }
    return new GtidSet(origins);
  }

  get empty(): boolean {
    return this.#origins.size === 0;
  }

  plus(other: GtidSet): GtidSet {
    const origins = new Map([...this.#origins].map(([origin, intervals]) => [origin, [...intervals]]));
    for (const [origin, intervals] of other.#origins) for (const one of intervals) add(origins, origin, one);
    return new GtidSet(origins);
  }

  minus(other: GtidSet): GtidSet {
    const rest = (origin: string, intervals: readonly Interval[]) =>
      (other.#origins.get(origin) ?? []).reduce(
        (left, gone) => left.flatMap((one) => without(one, gone)),
        [...intervals],
      );
    return new GtidSet(new Map([...this.#origins].map(([origin, intervals]) => [origin, rest(origin, intervals)])));
  }

  includes(other: GtidSet): boolean {
    return other.minus(this).empty;
  }

  equals(other: GtidSet): boolean {
    return String(this) === String(other);
  }

  /** What was written at one server, by its own number. */
  of(uuid: string): GtidSet {
    const own = ([origin]: [string, readonly Interval[]]) => origin.split(':')[0] === uuid.toLowerCase();
    return new GtidSet(new Map([...this.#origins].filter(own).map(([origin, intervals]) => [origin, [...intervals]])));
  }

  toString(): string {
    return [...this.#origins].map(([origin, intervals]) => [origin, ...intervals.map(written)].join(':')).join(',');
  }
}

function add(origins: Map<string, Interval[]>, origin: string, interval: Interval): void {
  const known = origins.get(origin);
  if (known) known.push(interval);
  else origins.set(origin, [interval]);
}

function joined(intervals: Interval[]): Interval[] {
  const result: [bigint, bigint][] = [];
  for (const [first, last] of intervals.filter(([a, b]) => a <= b).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const before = result.at(-1);
    if (!before || first > before[1] + 1n) result.push([first, last]);
    else if (last > before[1]) before[1] = last;
  }
  return result;
}

/** What is left of one interval: none, one or two. */
function without([first, last]: Interval, [from, to]: Interval): Interval[] {
  if (to < first || from > last) return [[first, last]];
  const left: Interval[] = [
    [first, from - 1n],
    [to + 1n, last],
  ];
  return left.filter(([a, b]) => a <= b);
}

const written = ([first, last]: Interval) => (first === last ? String(first) : `${first}-${last}`);

const unknown = (text: string) => new Error(`not a set of GTIDs: ${text.slice(0, 200)}`);
