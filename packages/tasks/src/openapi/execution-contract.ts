import { findByPointer, isJsonObject, type JsonObject, type JsonValue, parsePointer } from '@mad/core';
import { TaskDocumentInvalidError } from '../errors.ts';
import type { ApiContent, ApiOperation } from './api-operation.ts';
import { dereference } from './dereference.ts';
import { type ExecutionDeclaration, executionDeclarationSchema } from './execution-declaration.ts';
import { findOperation } from './find-operation.ts';
import { findSuccess } from './find-success.ts';

/** What the state of accepted work means. */
export type Phase = 'running' | 'completed' | 'failed' | 'canceled';

/** How accepted work is asked for, told to stop, and its answers understood. */
export interface ExecutionContract {
  /** False: only a 202 accepts work. True: every success of the task's operation does. */
  readonly isDeclared: boolean;
  /** Undefined: it is asked for at the Location of the 202, or not at all. */
  readonly status: ApiOperation | undefined;
  /** By which the status, result and cancel operations take the id. */
  readonly parameter: string;
  /** Where the id may stand in the answer that accepts the work; the first that is there counts. */
  readonly ids: readonly string[];
  readonly states: readonly string[];
  /** What a state means, by its lower case. */
  readonly phases: ReadonlyMap<string, Phase>;
  readonly progress: string;
  readonly progressMax: number;
  readonly error: string;
  readonly result: string;
  readonly resultOperation: ApiOperation | undefined;
  readonly cancel: ApiOperation | undefined;
}

const IDS = ['/execution_id', '/job_id', '/jobId', '/id', '/task_id', '/taskId'];
const WORDS: Readonly<Record<Phase, string>> = {
  running:
    'pending queued waiting submitted accepted created scheduled starting started running processing in_progress in-progress active retrying',
  completed: 'completed complete succeeded success successful done finished',
  failed: 'failed failure error errored',
  canceled: 'canceled cancelled aborted revoked',
};

/**
 * Reads `info.x-mad.execution`, else finds what mad's own services offer: `operationId: getExecution`, or `GET /executions/{execution_id}`.
 * @throws {TaskDocumentInvalidError} when it names what is not there.
 */
export function readExecutionContract(document: JsonObject, operations: readonly ApiOperation[]): ExecutionContract {
  const given = findByPointer(document, '/info/x-mad/execution');
  const declared = given === undefined ? undefined : parse(given);
  const find = (name: string | undefined, key: string): ApiOperation | undefined =>
    name === undefined ? undefined : findOperation(operations, { name, pointer: `${POINTER}/${key}` });
  const status = declared ? find(declared.status, 'status') : findOwn(operations);
  const parameter = status && findParameter(status, declared ? declared.parameter : 'execution_id');
  const cancel = (candidate: ApiOperation): boolean =>
    candidate.method === 'delete' && status !== undefined && shapeOf(candidate.path) === shapeOf(status.path);
  const phases = readPhases(declared);
  const states = declared?.state === undefined ? ['/status', '/state'] : [declared.state];
  if (declared && status) checkDeclared(document, { declared, status, states, phases });
  return {
    ...{ isDeclared: declared !== undefined, status },
    parameter: parameter ?? 'execution_id',
    ids: declared?.id === undefined ? IDS : [declared.id],
    ...{ states, phases },
    progress: declared?.progress ?? '/progress',
    progressMax: declared?.progressMax ?? 1,
    error: declared?.error ?? '/error',
    result: declared?.result ?? '/result',
    resultOperation: taking(parameter, find(declared?.resultOperation, 'resultOperation')),
    cancel: taking(parameter, find(declared?.cancel, 'cancel')) ?? operations.find(cancel),
  };
}

/** The body that the result is taken from: that of the result operation, or the part of the state in which it stands. */
export function findResultContent(
  document: JsonObject,
  { status, result, resultOperation }: ExecutionContract,
): ApiContent {
  if (resultOperation) return findSuccess(resultOperation).content ?? noBody(resultOperation);
  if (!status) throw invalid('/status', 'expected an operation that tells the state');
  const { content = noBody(status) } = findSuccess(status);
  const schema = schemaAt(document, content.schema, result);
  if (schema !== undefined) return { ...content, schema };
  throw invalid('/result', `the answer of ${status.id} declares nothing at ${result}; say where the result stands`);
}

const POINTER = '/info/x-mad/execution';

function parse(given: JsonValue): ExecutionDeclaration {
  const parsed = executionDeclarationSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid((issue?.path ?? []).map((token) => `/${String(token)}`).join(''), issue?.message ?? 'not valid');
}

function readPhases(declared: ExecutionDeclaration | undefined): ReadonlyMap<string, Phase> {
  const phases = new Map<string, Phase>();
  const names = Object.keys(WORDS) as Phase[];
  for (const phase of names) for (const word of WORDS[phase].split(' ')) phases.set(word, phase);
  // What is declared wins over what is usual.
  for (const phase of names) for (const word of declared?.[phase] ?? []) phases.set(word.toLowerCase(), phase);
  return phases;
}

function findOwn(operations: readonly ApiOperation[]): ApiOperation | undefined {
  const isOwn = ({ method, path, parameters }: ApiOperation): boolean =>
    method === 'get' && path.includes('{execution_id}') && !parameters.some(isMissing('execution_id'));
  const gets = operations.filter(isOwn);
  return gets.find(({ id }) => id === 'getExecution') ?? gets.find(({ path }) => path === '/executions/{execution_id}');
}

/** The key of the parameter that takes the id. @throws {TaskDocumentInvalidError} when there is none, or it is not all that the operation asks for. */
function findParameter(operation: ApiOperation, named: string | undefined): string {
  const { id, parameters } = operation;
  const inPath = parameters.filter((parameter) => parameter.in === 'path');
  const only = named === undefined && inPath.length === 1 ? inPath[0] : undefined;
  const found = parameters.find(({ name }) => name === named) ?? only;
  if (!found) {
    const names = parameters.map(({ name }) => name).join(', ') || 'which it does not have';
    throw invalid('/parameter', `expected the parameter of ${id} that takes the id: ${names}`);
  }
  taking(found.key, operation);
  return found.key;
}

/** The operation, when it asks for nothing but the id. @throws {TaskDocumentInvalidError} */
function taking(key: string | undefined, operation: ApiOperation | undefined): ApiOperation | undefined {
  const missing = key === undefined ? undefined : operation?.parameters.find(isMissing(key));
  if (!operation || !missing) return operation;
  throw invalid('', `${operation.id} asks for ${missing.name}, and all that is known of accepted work is its id`);
}

const isMissing =
  (key: string) =>
  ({ key: other, required }: ApiOperation['parameters'][number]): boolean =>
    required && other !== key;

/** A path by the places of its parameters, whatever they are called. */
const shapeOf = (path: string): string => path.replaceAll(/\{[^{}]*\}/g, '{}');

interface Declared {
  readonly declared: ExecutionDeclaration;
  readonly status: ApiOperation;
  readonly states: readonly string[];
  readonly phases: ReadonlyMap<string, Phase>;
}

/** What is said of the state must be there in what the status operation declares, and every word that it declares must mean something. */
function checkDeclared(document: JsonObject, { declared, status, states, phases }: Declared): void {
  const { content } = findSuccess(status);
  const at = (pointer: string): JsonValue | undefined => schemaAt(document, content?.schema, pointer);
  for (const key of ['state', 'progress', 'error'] as const) {
    const pointer = declared[key];
    if (pointer !== undefined && at(pointer) === undefined)
      throw invalid(`/${key}`, `the answer of ${status.id} declares nothing at ${pointer}`);
  }
  const state = states.map(at).find((schema) => schema !== undefined);
  const words = dereference(document, state)?.enum;
  const unknown = (Array.isArray(words) ? (words as readonly JsonValue[]) : []).filter(
    (word) => !phases.has(String(word).toLowerCase()),
  );
  if (unknown.length > 0)
    throw invalid(
      '',
      `say what ${unknown.map(String).join(', ')} of ${status.id} means, in running, completed, failed or canceled`,
    );
}

/** The schema of a place in a value; undefined where nothing is declared. */
function schemaAt(document: JsonObject, schema: JsonValue | undefined, pointer: string): JsonValue | undefined {
  const memberOf = (at: JsonValue | undefined, name: string): JsonValue | undefined =>
    findMember(document, { at, name, met: new Set() });
  return parsePointer(pointer).reduce<JsonValue | undefined>(memberOf, schema);
}

interface Member {
  readonly at: JsonValue | undefined;
  readonly name: string;
  /** Looked at already: what is made of others may be made of itself. */
  readonly met: Set<JsonObject>;
}

function findMember(document: JsonObject, { at, name, met }: Member): JsonValue | undefined {
  const found = dereference(document, at);
  if (!found || met.has(found)) return undefined;
  met.add(found);
  const { properties, allOf } = found;
  if (isJsonObject(properties) && Object.hasOwn(properties, name)) return properties[name];
  for (const part of Array.isArray(allOf) ? (allOf as readonly JsonValue[]) : []) {
    const member = findMember(document, { at: part, name, met });
    if (member !== undefined) return member;
  }
  return undefined;
}

function noBody({ id }: ApiOperation): never {
  throw invalid('/result', `the answer of ${id} has no body to take the result from`);
}

const invalid = (at: string, reason: string): TaskDocumentInvalidError =>
  new TaskDocumentInvalidError({ pointer: `${POINTER}${at}`, reason });
