import { isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import { isJsonMediaType } from '../openapi/api-operation.ts';
import type { Callable } from './rule.ts';

/** A request that its schema does not allow, by one property. */
export interface BrokenRequest {
  readonly value: JsonObject;
  /** JSON Pointer of the property. */
  readonly pointer: string;
}

/** The request without a property that it must have. */
export function listIncomplete(task: Callable): readonly BrokenRequest[] {
  return listPlaces(task).flatMap((place) => broken(task, { ...place, value: undefined }));
}

const STRANGE: readonly JsonValue[] = [{ mad: 'wrong type' }, ['wrong type'], 'wrong type', 0.5, true];

/** The request with a property of another type; only where a type can be told from another: not in forms. */
export function listMistyped(task: Callable): readonly BrokenRequest[] {
  const { content } = task.interface.execute;
  if (content && !isJsonMediaType(content.mediaType)) return [];
  return listPlaces(task)
    .filter(({ holder }) => task.interface.execute.isBodyOnly || holder === 'body')
    .flatMap((place) => STRANGE.flatMap((value) => broken(task, { ...place, value })));
}

interface Place {
  /** `body` where the property is one of the body beside parameters. */
  readonly holder: 'request' | 'body';
  readonly name: string;
}

function listPlaces({ request, interface: { execute } }: Callable): readonly Place[] {
  const { isBodyOnly, operation } = execute;
  const inPath = new Set(operation.parameters.filter((one) => one.in === 'path').map(({ key }) => key));
  const { body } = request.value;
  const own = Object.keys(request.value)
    .filter((name) => isBodyOnly || !inPath.has(name))
    .map((name): Place => ({ holder: 'request', name }));
  if (isBodyOnly || !isJsonObject(body)) return own;
  return [...Object.keys(body).map((name): Place => ({ holder: 'body', name })), ...own];
}

function broken(
  { request, interface: task }: Callable,
  { holder, name, value }: Place & { readonly value: JsonValue | undefined },
): readonly BrokenRequest[] {
  const whole = holder === 'request' ? request.value : (request.value.body as JsonObject);
  const { [name]: _, ...rest } = whole;
  const changed = value === undefined ? rest : { ...rest, [name]: value };
  const candidate = holder === 'request' ? changed : { ...request.value, body: changed };
  const pointer = `${holder === 'body' ? '/body' : ''}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return task.checkRequest(candidate).length > 0 ? [{ value: candidate, pointer }] : [];
}
