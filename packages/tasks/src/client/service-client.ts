import { type JsonObject, type JsonValue, NotFoundError, systemClock, ValidationFailedError } from '@mad/core';
import { Agent, type Dispatcher } from 'undici';
import { checkApart } from '../definition/check-apart.ts';
import { parseDocument } from '../definition/parse-document.ts';
import { type ApiOperation, listApiOperations } from '../openapi/api-operation.ts';
import { matchOperation } from '../openapi/find-operation.ts';
import { createOperationInterface, type OperationInterface } from '../openapi/operation-interface.ts';
import { findUnstorable } from './answer/find-unstorable.ts';
import { readAnswer } from './answer/read-answer.ts';
import { authenticate, type SecretsResolver } from './exchange/authenticate.ts';
import { inDeadline } from './exchange/in-deadline.ts';
import { createOutboundPolicy } from './exchange/outbound-policy.ts';
import { sendOperation } from './exchange/send-operation.ts';
import { openExchange } from './exchange/service-call.ts';
import { readServiceUrl } from './exchange/service-url.ts';
import { type Retries, RetryBudget } from './exchange/with-retries.ts';
import { noFiles, type RequestFiles } from './request/request-files.ts';

export interface ServiceClientOptions {
  /** OpenAPI 3.0 or 3.1: an object, or JSON or YAML text. Its `servers` never matter. */
  readonly document: string | object;
  /** What the paths of the document are below, such as `http://127.0.0.1:8080/dock`. Nothing else is called. */
  readonly serviceUrl: string;
  /** Addresses beside the public ones that the name in `serviceUrl` may lead to: `['10.0.0.0/8']`. @default none */
  readonly allowedNetworks?: readonly string[] | undefined;
  /** Where artifact references in requests lead. @default nowhere: files are given as text */
  readonly files?: RequestFiles | undefined;
  /** Makes the connections, whatever `allowedNetworks` says; stays the host's to close. @default an undici Agent of its own */
  readonly dispatcher?: Dispatcher | undefined;
  /** @default 64 MiB */
  readonly maxResponseBytes?: number | undefined;
  /** Follows redirects that stay below the service's own address, as the same request. @default false: a redirect is a failure */
  readonly followRedirects?: boolean | undefined;
  /** @default none: operations that ask for credentials cannot be called */
  readonly secrets?: SecretsResolver | undefined;
  /** Told of each attempt that failed and is made again. */
  readonly onRetry?: Retries['onRetry'] | undefined;
}

export interface CallOptions {
  /** From the first byte sent to the last one read. @default 30_000 */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Sent as `Idempotency-Key`. @default none */
  readonly idempotencyKey?: string | undefined;
}

/** An answer that the document declares for the operation, failures included. */
export interface ClientAnswer {
  readonly status: number;
  header(name: string): string | undefined;
  /** As declared, `application/json`; undefined without a body. */
  readonly mediaType: string | undefined;
  /** JSON, text, or the bytes of a file; undefined without a body. */
  readonly body: JsonValue | Buffer | undefined;
}

/** Calls the operations of one service, each request and answer held against its document. */
export interface ServiceClient extends AsyncDisposable {
  readonly operations: readonly ApiOperation[];
  /** What an operation takes and gives. @throws {NotFoundError} */
  interfaceOf(operationId: string): OperationInterface;
  /**
   * One call, repeated only where that does no harm. The request is that of the operation's `requestSchema`, whose defaults are filled in.
   * @throws {NotFoundError} for an operation that the document does not have.
   * @throws {ValidationFailedError} for a request that does not fit; nothing is sent.
   * @throws {TaskFailedError} for an answer that is not declared, breaks its schema, or does not come in time.
   */
  call(operationId: string, request?: JsonObject, options?: CallOptions): Promise<ClientAnswer>;
}

/**
 * Opens a client for a service by its document; dispose it to close its connections.
 * @throws {TaskDocumentRefusedError | TaskDocumentInvalidError} for a document that could do harm or is not OpenAPI.
 * @throws {ValidationFailedError} when `serviceUrl` is no address of a service.
 */
export async function openServiceClient(options: ServiceClientOptions): Promise<ServiceClient> {
  const document = parseDocument(options.document);
  await checkApart({ document, isTask: false });
  const serviceUrl = new URL(readServiceUrl(options.serviceUrl));
  const policy = createOutboundPolicy({ origins: [serviceUrl.origin], networks: options.allowedNetworks });
  const own = options.dispatcher ? undefined : new Agent({ connect: { timeout: 5_000, lookup: policy.lookup } });
  const dispatcher = options.dispatcher ?? (own as Agent);
  const { files = noFiles, maxResponseBytes = 64 * 1024 * 1024, secrets, onRetry = () => {} } = options;
  const { followRedirects = false } = options;
  const budget = new RetryBudget();
  const operations = listApiOperations(document);
  const interfaces = new Map<string, OperationInterface>();

  function interfaceOf(operationId: string): OperationInterface {
    const known = interfaces.get(operationId);
    if (known) return known;
    const operation = matchOperation(operations, operationId);
    if (!operation)
      throw new NotFoundError({
        entity: 'operation',
        id: operationId,
        where: 'the document',
        hint: hintOf(operations),
      });
    const created = createOperationInterface(document, operation);
    interfaces.set(operationId, created);
    return created;
  }

  return {
    operations,
    interfaceOf,
    async call(operationId, request = {}, { timeoutMs = 30_000, signal, idempotencyKey } = {}) {
      const api = interfaceOf(operationId);
      const filled = api.applyDefaults(request);
      const issues = api.checkRequest(filled);
      const unstorable = findUnstorable(filled, { allowNul: true });
      if (unstorable) throw new ValidationFailedError({ subject: `request of ${operationId}`, issues: [unstorable] });
      if (issues.length > 0) throw new ValidationFailedError({ subject: `request of ${operationId}`, issues });
      const answer = await inDeadline({ timeoutMs, signal, subject: operationId }, (inTime) => {
        const authenticateCall = (security: ApiOperation['security']) =>
          authenticate({ security, ask: { scope: operationId }, secrets });
        const connection = { signal: inTime, dispatcher, maxResponseBytes, authenticate: authenticateCall };
        const exchange = openExchange(connection, api.operation);
        const call = {
          serviceUrl,
          files,
          exchange,
          idempotencyKey,
          followRedirects,
          clock: systemClock,
          signal: inTime,
        };
        return sendOperation(api, { ...call, request: filled, retries: { budget, onRetry } });
      });
      const { status, header, content, body: value } = readAnswer(api, answer);
      return { status, header, mediaType: content?.mediaType, body: value };
    },
    async [Symbol.asyncDispose]() {
      await own?.close();
    },
  };
}

function hintOf(operations: readonly ApiOperation[]): string {
  const shown = operations.slice(0, 20).map(({ id }) => id);
  return `it has ${shown.join(', ')}${operations.length > shown.length ? ' and others' : ''}`;
}
