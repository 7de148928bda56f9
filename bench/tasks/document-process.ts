import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import SwaggerParser from '@apidevtools/swagger-parser';
import { openServiceClient } from '@mad/tasks';
import { OpenAPIClientAxios } from 'openapi-client-axios';
import { DOCUMENT } from './dock-document.ts';
import { answerOnce } from './run-in-process.ts';

/** What reading and compiling documents costs, in milliseconds. */
export interface DocumentFigures {
  readonly operations: number;
  /** Opening a client for the document: held against the specification in a thread that is started for it. */
  readonly openCold: number;
  /** The same again, the thread being there. */
  readonly openWarm: number;
  /** swagger-parser alone, in this thread, the second time. */
  readonly swaggerParser: number;
  /** openapi-client-axios, which compiles nothing. */
  readonly openapiClientAxios: number;
  /** Compiling the validators of all operations, requests and answers. */
  readonly compileAll: number;
  /** The first call of one operation: its two validators and defaults. */
  readonly compileOne: number;
}

/** How long this thread was held up at most, in milliseconds, while each document was checked. */
export type BlockedFigures = Readonly<Record<string, number>>;

interface Question {
  readonly measure: 'document' | 'blocked';
}

answerOnce(async ({ measure }: Question) => (measure === 'document' ? measureDocument() : measureBlocked()));

const nowhere = 'http://127.0.0.1:9';

async function timed(work: () => unknown): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function measureDocument(): Promise<DocumentFigures> {
  const file = join(import.meta.dirname, '../../packages/tasks/test/documents/large.json');
  const document = JSON.parse(await readFile(file, 'utf8')) as object;
  const open = () => openServiceClient({ document, serviceUrl: nowhere });
  const openCold = await timed(open);
  const openWarm = await timed(open);
  await using client = await open();
  const compile = (id: string): void => {
    const api = client.interfaceOf(id);
    api.applyDefaults({});
    api.checkRequest({});
    for (const { status } of api.operation.answers)
      for (const content of api.findAnswer(Number(status) || 200)?.contents ?? []) content.check({});
  };
  const [first, ...others] = client.operations.map(({ id }) => id);
  const compileOne = await timed(() => compile(first ?? ''));
  const compileAll = await timed(() => others.map(compile));
  const parse = () =>
    SwaggerParser.validate(structuredClone(document) as never, {
      resolve: { external: false },
      dereference: { circular: 'ignore' },
    });
  await parse();
  const swaggerParser = await timed(parse);
  const openapiClientAxios = await timed(() =>
    new OpenAPIClientAxios({ definition: structuredClone(document) as never }).init(),
  );
  return {
    operations: client.operations.length,
    openCold,
    openWarm,
    swaggerParser,
    openapiClientAxios,
    compileAll,
    compileOne,
  };
}

const PATTERNS: Readonly<Record<string, object>> = {
  'one that backtracks without end': { pattern: '^(a+)+$' },
  'one of two gigabytes': { pattern: '((a{900}){900}){900}' },
  'one that is large and taken': {
    pattern: `^(?:${Array.from({ length: 400 }, (_, at) => `w${at}[a-z]{1,9}`).join('|')})$`,
  },
  'ten thousand': {
    allOf: Array.from({ length: 10_000 }, (_, at) => ({ pattern: `^[a-z]{1,${1 + (at % 90)}}x${at}$` })),
  },
};

async function measureBlocked(): Promise<BlockedFigures> {
  const figures: Record<string, number> = {};
  // The first document of a process loads what checks it.
  await openServiceClient({ document: DOCUMENT, serviceUrl: nowhere }).catch(() => {});
  for (const [name, schema] of Object.entries(PATTERNS)) {
    const { paths, ...rest } = structuredClone(DOCUMENT);
    const content = {
      'application/json': { schema: { type: 'object', properties: { a: { type: 'string', ...schema } } } },
    };
    const document = {
      ...rest,
      paths: { '/dock': { post: { ...paths['/dock'].post, requestBody: { required: true, content } } } },
    };
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await new Promise((resolve) => setTimeout(resolve, 20));
    delay.reset();
    await openServiceClient({ document, serviceUrl: nowhere }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 5));
    delay.disable();
    figures[name] = delay.max / 1e6;
  }
  return figures;
}
