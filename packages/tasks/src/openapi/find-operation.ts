import { TaskDocumentInvalidError } from '../errors.ts';
import type { ApiOperation } from './api-operation.ts';

/** The operation of this operationId, or written as `post /dock`. */
export function matchOperation(operations: readonly ApiOperation[], name: string): ApiOperation | undefined {
  const written = name.replace(/^\S+/, (verb) => verb.toLowerCase());
  return (
    operations.find(({ id }) => id === name) ?? operations.find(({ method, path }) => `${method} ${path}` === written)
  );
}

/** As `matchOperation`, for one that must be there. @throws {TaskDocumentInvalidError} when there is none. */
export function findOperation(
  operations: readonly ApiOperation[],
  { name, pointer }: { readonly name: string; readonly pointer: string },
): ApiOperation {
  const found = matchOperation(operations, name);
  if (found) return found;
  const reason = `there is no operation ${name.slice(0, 100)}; name one by its operationId, or as "post /dock"`;
  throw new TaskDocumentInvalidError({ pointer, reason });
}
