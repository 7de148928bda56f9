import { isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import { isJsonMediaType } from '../../openapi/api-operation.ts';
import { listFilePlaces } from '../../openapi/file-places.ts';
import type { ContentInterface } from '../../openapi/operation-interface.ts';
import { contractViolation } from '../answer/read-json-body.ts';
import type { CallOptions, ClientAnswer, ServiceClient } from '../service-client.ts';
import type { AnswerOf, OperationAt, OperationName, RequestOf } from './typed-operation.ts';

/** A client whose requests and answers have the types that openapi-typescript made of its document. */
export interface TypedClient<Paths, Operations = object> extends AsyncDisposable {
  /**
   * As `call` of the service client, for `post /dock` or an operationId. Narrow the answer by its `status`, and by its `mediaType` where a status has several.
   * @throws {NotFoundError} when the types are of another document and this one has no such operation.
   */
  call<Name extends OperationName<Paths, Operations>>(
    operation: Name,
    ...given: Given<RequestOf<OperationAt<Paths, Operations, Name>>>
  ): Promise<AnswerOf<OperationAt<Paths, Operations, Name>>>;
}

type Given<Request> = object extends Request
  ? [request?: Request, options?: CallOptions]
  : [request: Request, options?: CallOptions];

/**
 * Sees a service client through types. Every answer has been held against the document, so it has the type of its status if the types are of that
 * document; files in it are text, an artifact reference in the place of one is refused. Disposing of it disposes of the client.
 */
export function typedClient<Paths, Operations = object>(client: ServiceClient): TypedClient<Paths, Operations> {
  const requireText = createFileCheck();
  return {
    async call(name, ...[request, options]) {
      const id = client.operations.find(({ method, path }) => `${method} ${path}` === name)?.id ?? name;
      const answer = await client.call(id, request as JsonObject | undefined, options);
      const { status, mediaType, body } = answer;
      // Types of the default count these.
      if (status > 599) throw contractViolation(`answered ${status}, which is no status of HTTP`);
      const declared = client.interfaceOf(id).findAnswer(status);
      const content = declared?.contents.find((one) => one.mediaType === mediaType);
      if (content && isJsonMediaType(content.mediaType)) requireText(content, body);
      return answer as ClientAnswer & AnswerOf<OperationAt<Paths, Operations, typeof name>>;
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** Documents allow references where they put files, in answers too; their types say text. */
function createFileCheck(): (content: ContentInterface, body: ClientAnswer['body']) => void {
  const holdsFiles = new WeakMap<ContentInterface, boolean>();
  return (content, body) => {
    const known = holdsFiles.get(content) ?? /"contentMediaType"|"binary"/.test(JSON.stringify(content.schema));
    holdsFiles.set(content, known);
    if (!known) return;
    const found = listFilePlaces(content.schema, body as JsonValue).find(({ value }) => isJsonObject(value));
    if (found) throw contractViolation(`answered with a reference instead of the file at /${found.path.join('/')}`);
  };
}
