import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { type HandMadeServer, startServer } from '../hand-made-server.ts';

export interface OddExchange {
  readonly method: string;
  readonly path: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: string;
  /** Executions that were begun before this request. */
  readonly begun: number;
  /** Requests for an execution that are open, this one included. */
  readonly open: number;
  readonly answer: (status: number, body: unknown, headers?: Record<string, string>) => void;
}

export interface OddService {
  /** Answers 202, and reports progress of work that takes `workMs`. @default false */
  readonly long?: boolean;
  readonly workMs?: number;
  /** Changes the document that is served; one of plain JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a document is changed anywhere
  readonly document?: (document: any) => unknown;
  /** Answers in another way than a good service; false: as a good one. */
  readonly odd?: (exchange: OddExchange) => boolean | Promise<boolean>;
}

export type Answer = Parameters<OddExchange['answer']>;

/** Answers so where the exchange is of that kind. */
export const when =
  (isIt: (exchange: OddExchange) => boolean, ...answer: Answer): NonNullable<OddService['odd']> =>
  (exchange) => {
    if (!isIt(exchange)) return false;
    exchange.answer(...answer);
    return true;
  };

export const at = (path: string, ...answer: Answer) => when((exchange) => exchange.path === path, ...answer);

const ANSWER = 'application/json';
const error = (code: string) => ({ error: { code, message: `it is ${code}` } });

/** A service of a few lines that does everything right, but for what the test changes. */
export function startOddService({ long = false, workMs = 60, document, odd }: OddService): Promise<HandMadeServer> {
  const executions = new Map<string, Work>();
  const keys = new Map<string, string>();
  let begun = 0;
  let open = 0;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {});
    const { method = '', url: path = '' } = request;
    open += path === '/execute' ? 1 : 0;
    response.once('close', () => {
      open -= path === '/execute' ? 1 : 0;
    });
    const body = await text(request).catch(() => '');
    const answer: OddExchange['answer'] = (status, value, headers = {}) => {
      const bytes = typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value);
      response.writeHead(status, { 'content-type': ANSWER, ...headers }).end(bytes);
    };
    if (await odd?.({ method, path, request, response, body, begun, open, answer })) return;
    if (path === '/openapi.json') return answer(200, (document ?? ((same) => same))(createDocument(long)));
    if (path === '/health') return answer(200, { status: 'healthy' });
    if (path === '/execute')
      return method === 'POST' ? execute({ request, body, answer }) : answer(405, error('METHOD'));
    const work = executions.get(path.replace('/executions/', ''));
    if (!long || !work) return answer(404, error('NOT_FOUND'));
    if (method === 'DELETE') work.canceled = true;
    // A question that is held open is asked anew at once.
    if (request.headers.prefer) await setTimeout(25);
    return answer(200, stateOf(work, workMs), { 'preference-applied': 'wait=10' });
  }

  async function execute({ request, body, answer }: Pick<OddExchange, 'request' | 'body' | 'answer'>): Promise<void> {
    if (request.headers['content-type'] !== ANSWER) return answer(415, error('CONTENT_TYPE'));
    const atoms = readAtoms(body);
    if (typeof atoms === 'string') return answer(atoms === 'NO_JSON' ? 400 : 422, error(atoms));
    const key = String(request.headers['idempotency-key'] ?? `none-${begun}`);
    const id = keys.get(key) ?? `run-${++begun}`;
    const work = executions.get(id) ?? { id, atoms, begunAt: performance.now(), canceled: false };
    executions.set(id, work);
    keys.set(key, id);
    if (long && stateOf(work, workMs).status !== 'COMPLETED')
      return answer(202, { execution_id: id }, { location: `/executions/${id}`, 'retry-after': '0' });
    await setTimeout(long ? 0 : workMs);
    answer(200, { mass: atoms * 12 });
  }

  return startServer((request, response) => void handle(request, response));
}

interface Work {
  readonly id: string;
  readonly atoms: number;
  readonly begunAt: number;
  canceled: boolean;
}

function readAtoms(body: string): number | 'NO_JSON' | 'VALIDATION_FAILED' {
  try {
    const { atoms } = JSON.parse(body) as { atoms?: unknown };
    return typeof atoms === 'number' && Number.isInteger(atoms) && atoms > 0 ? atoms : 'VALIDATION_FAILED';
  } catch {
    return 'NO_JSON';
  }
}

function stateOf({ id, atoms, begunAt, canceled }: Work, workMs: number) {
  const progress = Math.min(1, (performance.now() - begunAt) / workMs);
  if (canceled) return { execution_id: id, status: 'CANCELED', progress };
  if (progress < 1) return { execution_id: id, status: 'RUNNING', progress };
  return { execution_id: id, status: 'COMPLETED', progress: 1, result: { mass: atoms * 12 } };
}

function createDocument(long: boolean) {
  const json = (name: string) => ({ [ANSWER]: { schema: { $ref: `#/components/schemas/${name}` } } });
  const responses = {
    200: { description: 'the result', content: json('Response') },
    ...(long ? { 202: { description: 'accepted', content: json('State') } } : {}),
    default: { description: 'a failure', content: json('Error') },
  };
  const state = { 200: { description: 'its state', content: json('State') } };
  const key = { name: 'Idempotency-Key', in: 'header', schema: { type: 'string' } };
  const id = { name: 'execution_id', in: 'path', required: true, schema: { type: 'string' } };
  const executions = { parameters: [id], get: { responses: state }, delete: { responses: state } };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Weigh',
      version: '1.0.0',
      'x-mad': { taskKey: 'weigh', determinism: 'exact', producer: 'weigh 1.0.0' },
    },
    paths: {
      '/execute': { post: { parameters: [key], requestBody: { required: true, content: json('Request') }, responses } },
      ...(long ? { '/executions/{execution_id}': executions } : {}),
    },
    components: {
      schemas: {
        Request: { type: 'object', properties: { atoms: { type: 'integer', minimum: 1 } }, required: ['atoms'] },
        Response: {
          type: 'object',
          properties: { mass: { type: 'number' } },
          required: ['mass'],
          additionalProperties: false,
        },
        State: { type: 'object', properties: { execution_id: { type: 'string' } }, required: ['execution_id'] },
        Error: { type: 'object', properties: { error: { type: 'object' } }, required: ['error'] },
      },
    },
  };
}
