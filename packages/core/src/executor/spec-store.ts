import { type PublishedSpec, parsePublishedSpec } from '../pipeline/pipeline-spec.ts';
import type { JobToRun } from '../results/job-to-run.ts';
import { getPipelineSpec } from '../results/pipeline-spec.repository.ts';
import type { ResultsDatabase } from '../results/results-database.ts';

const KEPT = 200;

/** The specs that jobs name, each read and parsed once while it is in use. */
export class SpecStore {
  readonly #results: ResultsDatabase;
  readonly #specs = new Map<string, Promise<PublishedSpec>>();

  constructor(results: ResultsDatabase) {
    this.#results = results;
  }

  /** @throws {ValidationFailedError} for a spec that was written by other means. @throws {NotFoundError} */
  async get({ spec, spec_digest: digest }: Pick<JobToRun, 'spec' | 'spec_digest'>): Promise<PublishedSpec> {
    if (spec !== null || digest === null) return parsePublishedSpec(spec);
    const known = this.#specs.get(digest);
    const read = known ?? getPipelineSpec(this.#results, { digest }).then(parsePublishedSpec);
    // Set anew, it is the last to go.
    this.#specs.delete(digest);
    this.#specs.set(digest, read);
    read.catch(() => this.#specs.delete(digest));
    for (const oldest of this.#specs.keys()) {
      if (this.#specs.size <= KEPT) break;
      this.#specs.delete(oldest);
    }
    return read;
  }
}
