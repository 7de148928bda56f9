import { TaskDocumentInvalidError } from '../errors.ts';
import type { ApiOperation } from './api-operation.ts';

/** The operation of this operationId, or written as `post /dock`. @throws {TaskDocumentInvalidError} when there is none. */
export function findOperation(
  operations: readonly ApiOperation[],
  { name, pointer }: { readonly name: string; readonly pointer: string },
): ApiOperation {
  const found =
    operations.find(({ id }) => id === name) ??
    operations.find(({ method, path }) => `${method} ${path}` === name.replace(/^\S+/, (verb) => verb.toLowerCase()));
  if (found) return found;
  const reason = `there is no operation ${name.slice(0, 100)}; name one by its operationId, or as "post /dock"`;
  throw new TaskDocumentInvalidError({ pointer, reason });
}
