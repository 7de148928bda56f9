import type { Contender, Graph } from './contender.ts';

/** Contenders that do the same work in turns. */
export interface Contest {
  readonly name: string;
  readonly graph: Graph;
  readonly contenders: readonly Contender[];
  readonly rounds: number;
  readonly jobs: number;
  readonly atATime: number;
  readonly warmUp: number;
  /** Jobs run alone after each round, one after the other, and the milliseconds that this may take. */
  readonly alone: number;
  readonly aloneMs: number;
  /** Finished jobs of mad that lie in the database before. @default 0 */
  readonly seeded?: number | undefined;
}
