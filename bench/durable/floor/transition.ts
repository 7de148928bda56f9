/** A job as whoever runs it knows it. */
export interface FloorJob {
  readonly jobId: string;
  /** Number of its last event. */
  lastEvent: number;
  /** Step → its running execution. */
  readonly executions: Map<string, string>;
}

/** Steps of one job that end, steps that start, and whether the job does. */
export interface Transition {
  readonly job: FloorJob;
  readonly kind: 'claim' | 'go on' | 'close';
  readonly ends?: readonly string[];
  readonly starts?: readonly string[];
}
