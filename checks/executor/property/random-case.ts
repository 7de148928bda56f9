import fc from 'fast-check';

/** What a call does instead of answering. Of these, `unreachable` and `hang` leave it open whether the service has done the work. */
export type Mishap = 'temporary' | 'final' | 'unreachable' | 'hang' | 'throws';

export interface RandomItem {
  readonly id: string;
}

/** A place in an earlier step's output or among the parameters. Steps are named by how far back they stand. */
export interface RandomSource {
  readonly back: number;
  readonly part: 'whole' | 'n' | 'list' | 'nothing';
  readonly ofParameters: boolean;
}

export type RandomCondition =
  | ({ readonly kind: 'exists' | 'equals' | 'above' | 'below' | 'in'; readonly value: number } & RandomSource)
  | { readonly kind: 'all' | 'any' | 'not'; readonly inner: readonly RandomCondition[] };

export interface RandomStep {
  readonly after: readonly number[];
  readonly reads: readonly RandomSource[];
  readonly when: RandomCondition | undefined;
  readonly each:
    | {
        readonly source: RandomSource;
        readonly byId: boolean;
        readonly concurrency: number | undefined;
        readonly onItemFailure: 'fail' | 'skip';
      }
    | undefined;
  readonly onFailure: 'fail' | 'skip' | 'continue';
  readonly attempts: number;
  readonly backoffMs: number;
  /** What befalls the first calls; an instance has one of these lists. */
  readonly mishaps: readonly (readonly Mishap[])[];
  readonly takesMs: number;
  readonly n: number;
  readonly list: readonly RandomItem[];
}

export interface RandomJob {
  readonly steps: readonly RandomStep[];
  readonly n: number;
  readonly list: readonly RandomItem[];
  /** Somebody asks to cancel it with this call of the job, 0 being right after it was submitted; `holds`: that call never answers. */
  readonly cancel: { readonly atCall: number; readonly holds: boolean } | undefined;
  readonly timeoutMs: number | undefined;
  readonly deadlineMs: number | undefined;
}

/** How the database goes away under an executor: with its n-th statement, which may have been carried out. For good, or for a while. */
export interface RandomCrash {
  readonly counts: 'commits' | 'statements';
  readonly at: number;
  readonly isSent: boolean;
  readonly healsAfterMs: number | undefined;
}

export interface RandomCase {
  readonly jobs: readonly RandomJob[];
  readonly concurrency: number;
  readonly stepConcurrency: number;
  /** Executors on a healthy database beside those that crash. */
  readonly rivals: number;
  readonly crashes: readonly RandomCrash[];
}

/** Once in so many times. */
const oneIn = <T>(times: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

// Mostly the step before, so that chains grow long enough to break in their middle.
const back = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.nat(5) });
const n = fc.nat(3);
const source = (...parts: RandomSource['part'][]): fc.Arbitrary<RandomSource> =>
  fc.record({ back, part: fc.constantFrom(...parts), ofParameters: oneIn(4, fc.constant(true)).map(Boolean) });

const comparison: fc.Arbitrary<RandomCondition> = fc
  .record({
    kind: fc.constantFrom('exists', 'equals', 'above', 'below', 'in'),
    value: n,
    at: source('n', 'whole', 'nothing'),
  })
  .map(({ kind, value, at }) => ({ kind, value, ...at }));
const condition: fc.Arbitrary<RandomCondition> = fc.oneof(
  { weight: 3, arbitrary: comparison },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('all', 'any', 'not'),
      inner: fc.array(comparison, { minLength: 1, maxLength: 2 }),
    }),
  },
);

// Two of one name make a fan-out fail before its first item.
const list = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.uniqueArray(fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd', 'e') }), {
      selector: ({ id }) => id,
      maxLength: 5,
    }),
  },
  { weight: 1, arbitrary: fc.constant([{ id: 'a' }, { id: 'a' }]) },
);

const mishap: fc.Arbitrary<Mishap> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Mishap>('temporary') },
  { weight: 3, arbitrary: fc.constant<Mishap>('unreachable') },
  { weight: 3, arbitrary: fc.constant<Mishap>('final') },
  { weight: 1, arbitrary: fc.constant<Mishap>('throws') },
  { weight: 1, arbitrary: fc.constant<Mishap>('hang') },
);

const step: fc.Arbitrary<RandomStep> = fc.record({
  after: fc.array(back, { maxLength: 2 }),
  reads: fc.array(source('whole', 'n', 'nothing'), { maxLength: 2 }),
  when: oneIn(4, condition),
  each: oneIn(
    3,
    fc.record({
      source: source('list', 'list', 'list', 'list', 'list', 'whole', 'nothing'),
      byId: fc.boolean(),
      concurrency: oneIn(2, fc.integer({ min: 1, max: 3 })),
      onItemFailure: fc.constantFrom('fail', 'skip'),
    }),
  ),
  onFailure: fc.constantFrom('continue', 'skip', 'continue', 'skip', 'fail'),
  attempts: fc.integer({ min: 1, max: 3 }),
  backoffMs: fc.nat(4),
  mishaps: fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.array(mishap, { maxLength: 3 }), { minLength: 1, maxLength: 3 }) },
  ),
  // Some still run when another step or item fails.
  takesMs: fc.oneof({ weight: 5, arbitrary: fc.nat(6) }, { weight: 1, arbitrary: fc.integer({ min: 10, max: 40 }) }),
  n,
  list,
});

const job: fc.Arbitrary<RandomJob> = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 7 }),
  n,
  list,
  cancel: oneIn(6, fc.record({ atCall: fc.nat(5), holds: fc.boolean() })),
  timeoutMs: oneIn(15, fc.integer({ min: 1, max: 150 })),
  deadlineMs: oneIn(12, fc.integer({ min: 50, max: 350 })),
});

const crash: fc.Arbitrary<RandomCrash> = fc.record({
  counts: fc.constantFrom('commits', 'commits', 'statements'),
  at: fc.integer({ min: 1, max: 12 }),
  isSent: fc.boolean(),
  healsAfterMs: oneIn(3, fc.nat(150)),
});

/** Graphs, outcomes and accidents at random; what shrinks grows simpler: fewer jobs, steps, edges and crashes. */
export const randomCase: fc.Arbitrary<RandomCase> = fc.record({
  jobs: fc.array(job, { minLength: 1, maxLength: 3 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  stepConcurrency: fc.integer({ min: 1, max: 8 }),
  rivals: oneIn(4, fc.constant(1)).map((count) => count ?? 0),
  crashes: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 3, arbitrary: fc.array(crash, { minLength: 1, maxLength: 3 }) },
  ),
});
