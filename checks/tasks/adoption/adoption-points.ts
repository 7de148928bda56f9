/** A moment in which the process that called a service is killed. */
export interface AdoptionPoint {
  readonly name: string;
  /** What it waits for, by the requests that this process makes. */
  readonly moment: 'submit answered' | 'poll begun' | 'poll answered' | 'answered';
  /** Which of them, of polls: 1 is the first. */
  readonly at: number;
  /** Milliseconds later. @default 0 */
  readonly afterMs?: number;
  /** The job is canceled before the next executor has it. */
  readonly isCanceled?: boolean;
  /** The service must know a repeated request by its key: nobody could note that it took the work over. */
  readonly needsKey?: boolean;
}

export const ADOPTION_POINTS: readonly AdoptionPoint[] = [
  { name: 'accepted, and not noted', moment: 'submit answered', at: 1, needsKey: true },
  { name: 'noted, and not asked', moment: 'poll begun', at: 1 },
  { name: 'asked the first time', moment: 'poll begun', at: 1, afterMs: 1 },
  { name: 'between two polls', moment: 'poll answered', at: 1, afterMs: 50 },
  { name: 'asked the second time', moment: 'poll begun', at: 2, afterMs: 1 },
  { name: 'told the result', moment: 'answered', at: 1 },
  { name: 'between two polls, and canceled', moment: 'poll answered', at: 1, afterMs: 50, isCanceled: true },
];
