import { type ArtifactStore, type OrgId, Recent } from '@mad/core';
import type { Folding } from './canonical-writer.ts';
import { digest } from './digest.ts';
import { BUILT_IN_NORMALIZERS, bareType, type Normalizer, type Normalizers, textOf } from './normalizers.ts';

/** Larger files count by every byte. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const FILES_AT_ONCE = 8;
/** Of answers kept, in characters of questions and answers: some 100,000 files. */
const KEPT_CHARACTERS = 16 * 1024 * 1024;

/** A file or a text whose normalized form is asked for. */
interface Question {
  readonly key: string;
  readonly normalize: Normalizer;
  readonly content: { readonly digest: string } | { readonly text: string };
}

/** Null: every byte counts. */
type Answer = string | null;

/**
 * What files and texts are as normalized. Each file is read once and remembered by its digest and content type; a file that is not there, too large, no
 * UTF-8, or not what its digest says counts by its exact digest.
 */
export class NormalizedContents {
  readonly #artifacts: ArtifactStore;
  readonly #normalizers: ReadonlyMap<string, Normalizer>;
  readonly #kept = new Recent<string, Answer>(KEPT_CHARACTERS);
  readonly #coming = new Map<string, Promise<Answer>>();

  constructor({
    artifacts,
    normalizers,
  }: { readonly artifacts: ArtifactStore; readonly normalizers?: Normalizers | undefined }) {
    this.#artifacts = artifacts;
    const given = Object.entries(normalizers ?? {}).map(([type, normalize]) => [bareType(type), normalize] as const);
    this.#normalizers = new Map([...Object.entries(BUILT_IN_NORMALIZERS), ...given]);
  }

  /** Signs, and signs again when what the first walk did not know has been read. */
  async fold<Signed>(orgId: OrgId, sign: (folding: Folding) => Signed): Promise<Signed> {
    const answers = new Map<string, Answer>();
    for (;;) {
      const open = new Map<string, Question>();
      const signed = sign(this.#folding(answers, open));
      if (open.size === 0) return signed;
      const questions = [...open.values()];
      for (let from = 0; from < questions.length; from += FILES_AT_ONCE)
        await Promise.all(
          questions.slice(from, from + FILES_AT_ONCE).map(async (question) => {
            answers.set(question.key, await this.#ask(orgId, question));
          }),
        );
    }
  }

  #folding(answers: ReadonlyMap<string, Answer>, open: Map<string, Question>): Folding {
    const exactDigests: Record<string, string> = {};
    const find = (contentType: string, content: Question['content']): string | undefined => {
      const type = bareType(contentType);
      const normalize = this.#normalizers.get(type);
      if (!normalize) return undefined;
      const key = 'digest' in content ? `${type} file ${content.digest}` : `${type} text ${content.text}`;
      const known = answers.get(key) ?? this.#kept.get(key);
      if (known === undefined && !answers.has(key)) open.set(key, { key, normalize, content });
      return known ?? undefined;
    };
    return {
      exactDigests,
      ofFile(exact, contentType) {
        const normalized = find(contentType, { digest: exact });
        if (normalized !== undefined) exactDigests[normalized] = exact;
        return normalized;
      },
      ofText: (text, contentType) => find(contentType, { text }),
    };
  }

  /** Calls of one moment share one reading; whether a file is there is the organization's own. */
  #ask(orgId: OrgId, question: Question): Promise<Answer> {
    const key = `${orgId} ${question.key}`;
    const coming = this.#coming.get(key);
    if (coming) return coming;
    const answer = this.#answer(orgId, question).finally(() => this.#coming.delete(key));
    this.#coming.set(key, answer);
    return answer;
  }

  async #answer(orgId: OrgId, { key, normalize, content }: Question): Promise<Answer> {
    const text = 'text' in content ? content.text : await this.#readFile(orgId, content.digest);
    // Not there now, perhaps later.
    if (text === undefined) return null;
    const normalized = text === null ? undefined : await normalize(text);
    const answer = normalized === undefined ? null : 'text' in content ? normalized : digest(normalized);
    this.#kept.set(key, answer, key.length + (answer?.length ?? 0));
    return answer;
  }

  /** Undefined for a file that is not there as it was stored; null for one that has no text, or too much. */
  async #readFile(orgId: OrgId, exact: string): Promise<string | null | undefined> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of await this.#artifacts.get(orgId, exact)) {
        const bytes = chunk as Uint8Array;
        size += bytes.length;
        if (size > MAX_FILE_BYTES) return null;
        chunks.push(bytes);
      }
    } catch {
      // Gone, or out of reach for now: the worst that comes of it is a result computed again.
      return undefined;
    }
    const bytes = Buffer.concat(chunks);
    return digest(bytes) === exact ? (textOf(bytes) ?? null) : undefined;
  }
}
