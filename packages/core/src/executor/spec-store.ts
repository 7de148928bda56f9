import { type PublishedSpec, type PublishedStep, parsePublishedSpec } from '../pipeline/pipeline-spec.ts';
import { createStepGraph, type StepGraph } from '../pipeline/step-graph.ts';
import { Recent } from '../recent.ts';
import type { JobToRun } from '../results/job-to-run.ts';
import { getPipelineSpec } from '../results/pipeline-spec.repository.ts';
import type { ResultsDatabase } from '../results/results-database.ts';

/** Characters of specs as JSON. */
const KEPT = 16_000_000;

/** A spec and its graph, which all jobs that run it share. */
export interface RunnableSpec {
  readonly spec: PublishedSpec;
  readonly graph: StepGraph<PublishedStep>;
}

/** The specs that jobs name, each read and parsed once while it is in use. */
export class SpecStore {
  readonly #results: ResultsDatabase;
  readonly #specs = new Recent<string, Promise<RunnableSpec>>(KEPT);

  constructor(results: ResultsDatabase) {
    this.#results = results;
  }

  /** @throws {ValidationFailedError} for a spec that was written by other means. @throws {NotFoundError} */
  async get({ spec, spec_digest: digest }: Pick<JobToRun, 'spec' | 'spec_digest'>): Promise<RunnableSpec> {
    if (spec !== null || digest === null) return toRunnable(spec);
    const known = this.#specs.get(digest);
    if (known) return known;
    const read = getPipelineSpec(this.#results, { digest }).then((stored) => {
      this.#specs.set(digest, read, JSON.stringify(stored).length);
      return toRunnable(stored);
    });
    this.#specs.set(digest, read);
    read.catch(() => this.#specs.delete(digest));
    return read;
  }
}

function toRunnable(stored: unknown): RunnableSpec {
  const spec = parsePublishedSpec(stored);
  return { spec, graph: createStepGraph(spec.tasks) };
}
