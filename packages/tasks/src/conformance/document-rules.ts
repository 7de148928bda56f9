import { findByPointer, isMadError, type JsonObject, ValidationFailedError } from '@mad/core';
import { checkApart } from '../definition/check-apart.ts';
import { parseDocument } from '../definition/parse-document.ts';
import { readTaskDeclaration } from '../definition/task-declaration.ts';
import { TaskDocumentInvalidError, TaskDocumentRefusedError } from '../errors.ts';
import type { OperationInterface } from '../openapi/operation-interface.ts';
import { createTaskInterface } from '../openapi/task-interface.ts';
import { findDocument } from './find-document.ts';
import type { Inspection } from './inspection.ts';
import { makeRequest } from './make-request.ts';
import { failed, ofTask, passed, type Rule, skipped } from './rule.ts';

/** Rules of what a service says of itself. */
export const documentRules: readonly Rule[] = [
  {
    id: 'document-found',
    level: 'must',
    holds: 'The document is given, or is at /openapi.json, /openapi.yaml or /openapi.yml below the address.',
    mend: 'publish the OpenAPI document at /openapi.json, or pass it',
    async check(inspection) {
      const found = await findDocument(inspection);
      if (!found) return failed('there is no document where it was looked for');
      inspection.text = found.text;
      return passed(found.place);
    },
  },
  {
    id: 'document-valid',
    level: 'must',
    holds: 'It is valid OpenAPI 3.0 or 3.1, JSON or YAML, and holds everything that it refers to.',
    mend: 'correct the document at the place that is named; an OpenAPI linter shows the rest',
    async check(inspection) {
      if (inspection.text === undefined) return skipped('no document was found');
      return unlessUnfit(async () => {
        const document = parseDocument(inspection.text ?? '');
        await checkApart({ document, isTask: false });
        inspection.document = document;
        return passed(`OpenAPI ${String(document.openapi)}`);
      });
    },
  },
  {
    id: 'task-operation',
    level: 'must',
    holds: 'One operation is the task, its schemas can be used, and it declares a success.',
    mend: 'name the operation in info.x-mad.operation, or give it operationId: execute, and describe its answer 200',
    async check(inspection) {
      const { document } = inspection;
      if (!document) return skipped('there is no valid document');
      return unlessUnfit(async () => {
        await checkApart({ document, isTask: true });
        const task = createTaskInterface(document);
        inspection.task = { document, interface: task };
        const { method, path } = task.execute.operation;
        const { status } = task.execution;
        return passed(`${method} ${path}${status ? `, asked for by ${nameOf(status)}` : ''}`);
      });
    },
  },
  {
    id: 'task-declared',
    level: 'should',
    holds: 'The document names the task (`info.x-mad.taskKey`) and its semantic version (`info.version`).',
    mend: 'set info.x-mad: {taskKey: my-task} and info.version: 1.0.0, or give taskKey and version to registerTask',
    check: ofDocument(async (document) =>
      unlessUnfit(async () => {
        const { taskKey, version } = readTaskDeclaration(document);
        return passed(`${taskKey}@${version}`);
      }),
    ),
  },
  {
    id: 'determinism-declared',
    level: 'should',
    holds: 'It says how far equal requests give equal responses (`info.x-mad.determinism`).',
    mend: 'set info.x-mad.determinism to exact, seeded, stochastic or external; without it nothing is served from the cache',
    check: ofDocument(async (document) => {
      const determinism = findByPointer(document, '/info/x-mad/determinism');
      return typeof determinism === 'string' ? passed(determinism) : failed('not declared: external is assumed');
    }),
  },
  {
    id: 'producer-declared',
    level: 'should',
    holds: 'It names the program that computes, and its version (`info.x-mad.producer`).',
    mend: 'set info.x-mad.producer, such as "AutoDock Vina 1.2.3": a new version of the program then asks for new results',
    check: ofDocument(async (document) => {
      const producer = findByPointer(document, '/info/x-mad/producer');
      return typeof producer === 'string' ? passed(producer) : failed('not declared');
    }),
  },
  {
    id: 'idempotency-key-declared',
    level: 'should',
    holds: 'The task takes an `Idempotency-Key` header, so that a lost answer can be asked for again.',
    mend: 'honour the header, and declare it as a header parameter of the operation',
    check: ofTask(async ({ interface: { execute } }) => {
      const { method, takesIdempotencyKey } = execute.operation;
      if (method !== 'post' && method !== 'patch') return skipped(`${method} can be repeated without one`);
      return takesIdempotencyKey ? passed('declared') : failed('not declared: a call whose answer is lost fails');
    }),
  },
  {
    id: 'cancellation-declared',
    level: 'may',
    holds:
      'Work that is taken over for later can be canceled: by DELETE on its status path, or as `info.x-mad.execution` says.',
    mend: 'describe DELETE on /executions/{execution_id}; a job that is canceled otherwise goes on computing',
    check: ofTask(async ({ interface: { execute, execution } }) => {
      const { isDeclared, status, cancel } = execution;
      const isLong = isDeclared || execute.operation.answers.some((answer) => answer.status === '202');
      if (!isLong) return skipped('the task takes no work over: it declares no answer 202');
      if (!status) return failed('no operation tells the state of the work either');
      return cancel ? passed(nameOf(cancel)) : failed(`${nameOf(status)} has no delete beside it`);
    }),
  },
  {
    id: 'request-at-hand',
    level: 'should',
    holds: 'A request that fits can be taken from the document: from an example, or made of its schema.',
    mend: 'add an example to the request body, or pass a request',
    check: ofTask(async (task, inspection) => {
      const made = await makeRequest(task, inspection.givenRequest);
      if (!made.value) return failed(made.reason);
      inspection.request = made;
      return passed(
        { given: 'as given', example: "the document's example", sample: 'made of its schema' }[made.origin],
      );
    }),
  },
];

const nameOf = ({ operation: { method, path } }: OperationInterface): string => `${method} ${path}`;

function ofDocument(check: (document: JsonObject) => ReturnType<Rule['check']>): Rule['check'] {
  return async ({ document }: Inspection) => (document ? check(document) : skipped('there is no valid document'));
}

async function unlessUnfit(check: () => ReturnType<Rule['check']>): ReturnType<Rule['check']> {
  try {
    return await check();
  } catch (error) {
    const isKnown =
      error instanceof TaskDocumentInvalidError ||
      error instanceof TaskDocumentRefusedError ||
      error instanceof ValidationFailedError;
    if (isKnown && isMadError(error)) return failed(error.message);
    throw error;
  }
}
