import { createHash } from 'node:crypto';
import { isMadError, type Logger, type TaskDefinitionRow, TaskFailedError } from '@mad/core';
import type { Dispatcher } from 'undici';
import { sendRequest } from '../client/exchange/send-request.ts';
import { below } from '../client/exchange/service-call.ts';
import { checkApart } from '../definition/check-apart.ts';
import { interfaceDigest } from '../definition/interface-digest.ts';
import { parseDocument } from '../definition/parse-document.ts';
import { createTaskInterface } from '../openapi/task-interface.ts';
import { compareDocuments, type DocumentDifference, withOperationOf } from './compare-documents.ts';

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 5 * 1024 * 1024;
const DEFAULT_PATH = '/openapi.json';
/** Documents whose comparison is kept. */
const KEPT = 200;

/** What the document that an instance shows means for calls by the registered one; undefined where it shows none that can be read. */
export interface DocumentFinding extends DocumentDifference {
  /** SHA-256 of the document as it came. */
  readonly document: string;
}

export interface DocumentGuardOptions {
  readonly dispatcher: Dispatcher;
  readonly logger: Logger;
}

/** Holds the documents that instances show against the registered ones; each pair is compared once, however many instances show it. */
export class DocumentGuard {
  readonly #options: DocumentGuardOptions;
  readonly #compared = new Map<string, Promise<DocumentFinding>>();

  constructor(options: DocumentGuardOptions) {
    this.#options = options;
  }

  /** Asks an instance for its document at `service_config.document_path`. Never throws; what the signal ends finds nothing. */
  async examine(
    definition: TaskDefinitionRow,
    { serviceUrl, signal }: { readonly serviceUrl: URL; readonly signal: AbortSignal },
  ): Promise<DocumentFinding | undefined> {
    const body = await this.#read(definition, { serviceUrl, signal });
    if (!body) return undefined;
    const document = createHash('sha256').update(body).digest('hex');
    const key = `${definition.task_definition_id} ${document}`;
    const known = this.#compared.get(key);
    if (known) return known;
    const comparing = compare(definition, { document, text: body.toString('utf8') });
    this.#compared.set(key, comparing);
    const [oldest] = this.#compared.keys();
    if (this.#compared.size > KEPT && oldest !== undefined) this.#compared.delete(oldest);
    return comparing;
  }

  async #read(
    { service_config }: TaskDefinitionRow,
    { serviceUrl, signal }: { serviceUrl: URL; signal: AbortSignal },
  ): Promise<Buffer | undefined> {
    const { document_path: path } = service_config;
    const isPath = typeof path === 'string' && path !== '' && path.length <= 500;
    const url = below(serviceUrl, isPath ? path : DEFAULT_PATH);
    try {
      const inTime = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const { dispatcher } = this.#options;
      const asked = { method: 'GET', url, signal: inTime, dispatcher, maxResponseBytes: MAX_BYTES };
      const { status, body } = await sendRequest(asked);
      return status === 200 && body.byteLength > 0 ? body : undefined;
    } catch (error) {
      if (!(error instanceof TaskFailedError || signal.aborted))
        this.#options.logger.debug({ err: error, url: url.href }, 'a task service does not show its document');
      return undefined;
    }
  }
}

async function compare(
  { interface_spec, interface_digest }: TaskDefinitionRow,
  { document, text }: { document: string; text: string },
): Promise<DocumentFinding> {
  const same = { document, breaks: [], doubts: [] };
  try {
    const shown = parseDocument(text);
    if (interfaceDigest(shown) === (interface_digest ?? interfaceDigest(interface_spec))) return same;
    if (typeof shown.openapi !== 'string') return { ...same, doubts: ['it is no OpenAPI document'] };
    const registered = parseDocument(interface_spec);
    const taskInterface = createTaskInterface(registered);
    const live = withOperationOf({ document: registered, taskInterface }, shown);
    const { method, path } = taskInterface.execute.operation;
    // Whoever wrote it blocks nobody: it is held against the specification, and its task compiled, in a thread of its own.
    await checkApart({ document: live ?? shown, isTask: live !== undefined });
    if (!live) return { ...same, breaks: [`${method.toUpperCase()} ${path} is not there any more`] };
    return { document, ...compareDocuments({ document: registered, taskInterface }, live) };
  } catch (error) {
    const reason = isMadError(error) ? error.message.slice(0, 300) : 'it is too much to compare';
    return { ...same, doubts: [`it cannot be read: ${reason}`] };
  }
}
