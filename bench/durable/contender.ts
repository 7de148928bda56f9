/** `chain`: three steps, one after the other. `fan-out`: one step, then a hundred beside each other, then one. */
export type Graph = 'chain' | 'fan-out';

/** Where and how a contender runs. */
export interface Site {
  /** A database of its own on the server that all share. */
  readonly url: string;
  /** Unix socket of a Redis of its own; only where the contender asks for one. */
  readonly redis?: string | undefined;
  /** A folder of its own, for what keeps files. */
  readonly folder: string;
  readonly graph: Graph;
  /** Jobs in flight. */
  readonly atATime: number;
}

/** One contender at work in its own process. Jobs are known before `start`; the clock runs from `start` until `completed` resolves. */
export interface Session extends AsyncDisposable {
  /** Makes so many jobs ready to run. Only called while stopped. */
  submit(jobs: number): Promise<void>;
  start(): Promise<void>;
  /** Resolves when every job submitted so far is complete and committed. */
  completed(): Promise<void>;
  /** Stops what `start` started, after its last write. */
  stop(): Promise<void>;
  /** Submits one job to what is started and resolves when it is known to be complete; `accepted` is called when its submission is durable. */
  runOne(accepted: () => void): Promise<void>;
  /** What lies in the store: complete jobs and committed results of steps. */
  count(): Promise<Counted>;
}

export interface Counted {
  readonly jobs: number;
  readonly steps: number;
}

export interface Contender {
  readonly name: string;
  /** Graphs that it can run. */
  readonly graphs: readonly Graph[];
  /** True: runs on Redis, and is given one. */
  readonly redis?: boolean;
  /** Why it cannot run here; undefined when it can. */
  findObstacle?(): Promise<string | undefined>;
  /** Names what `prepare` makes; contenders with the same preparation share it. @default name */
  readonly preparation?: string;
  /** Fills the database from which the one of every run is cloned. */
  prepare?(url: string): Promise<void>;
  open(site: Site): Promise<Session>;
}

export const BRANCHES = 100;

/** Steps that one job of the graph commits. */
export const STEPS: Readonly<Record<Graph, number>> = { chain: 3, 'fan-out': BRANCHES + 2 };

/** What every step answers: 500 bytes as JSON. */
export const ANSWER: Readonly<Record<string, string>> = { answer: 'mad '.repeat(122).slice(0, 487) };
