import type { Span } from '@opentelemetry/api';
import type { JobFacts } from '../executor/diagnostics.ts';

/** A run whose end has not been told. */
export interface OpenRun {
  readonly span: Span;
  /** Step instance → span of its attempt under way. */
  readonly attempts: Map<string, Span>;
  heardAt: number;
}

export interface OpenRunsOptions {
  readonly lostAfterMs: number;
  /** Ends the spans of a run of which nothing more will be heard. */
  readonly onLost: (run: OpenRun) => void;
}

const CAPACITY = 10_000;
const LONGEST_SWEEP_MS = 60_000;

/**
 * The runs that are open, those of which nothing was heard for longest first. What is lost does not stay: a run that is silent for too long, and the
 * most silent one where there are too many, are given up.
 */
export class OpenRuns implements Disposable {
  readonly #options: OpenRunsOptions;
  readonly #runs = new Map<string, OpenRun>();
  readonly #sweep: NodeJS.Timeout;

  constructor(options: OpenRunsOptions) {
    this.#options = options;
    this.#sweep = setInterval(() => this.#giveUpSilent(), Math.min(options.lostAfterMs / 2, LONGEST_SWEEP_MS));
    this.#sweep.unref();
  }

  open(job: JobFacts, span: Span): void {
    this.#giveUp(keyOf(job));
    this.#runs.set(keyOf(job), { span, attempts: new Map(), heardAt: performance.now() });
    for (const key of this.#runs.keys()) {
      if (this.#runs.size <= CAPACITY) break;
      this.#giveUp(key);
    }
  }

  /** The run, which has just given a sign of life; undefined where its claim was not seen. */
  hear(job: JobFacts): OpenRun | undefined {
    const key = keyOf(job);
    const run = this.#runs.get(key);
    if (!run) return undefined;
    run.heardAt = performance.now();
    this.#runs.delete(key);
    this.#runs.set(key, run);
    return run;
  }

  take(job: JobFacts): OpenRun | undefined {
    const run = this.#runs.get(keyOf(job));
    this.#runs.delete(keyOf(job));
    return run;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#sweep);
    for (const key of [...this.#runs.keys()]) this.#giveUp(key);
  }

  #giveUpSilent(): void {
    const before = performance.now() - this.#options.lostAfterMs;
    for (const [key, { heardAt }] of this.#runs) {
      if (heardAt > before) return;
      this.#giveUp(key);
    }
  }

  #giveUp(key: string): void {
    const run = this.#runs.get(key);
    if (!run) return;
    this.#runs.delete(key);
    this.#options.onLost(run);
  }
}

const keyOf = ({ org_id, job_id }: JobFacts): string => `${org_id}/${job_id}`;
