import { TaskDocumentInvalidError } from '../errors.ts';
import { type ApiContent, type ApiOperation, isJsonMediaType } from './api-operation.ts';

/** What an operation answers when it has done its work: its first 2xx beside 202, else its default; JSON before anything else. @throws {TaskDocumentInvalidError} */
export function findSuccess({ answers, pointer }: ApiOperation): { readonly content: ApiContent | undefined } {
  const isResult = ({ status }: ApiOperation['answers'][number]) => /^2(?:\d\d|XX)$/.test(status) && status !== '202';
  const success = answers.find(isResult) ?? answers.find(({ status }) => status === 'default');
  if (success === undefined)
    throw new TaskDocumentInvalidError({
      pointer: `${pointer}/responses`,
      reason: 'expected a response 200 with the schema of the result',
    });
  const { contents } = success;
  return { content: contents.find(({ mediaType }) => isJsonMediaType(mediaType)) ?? contents[0] };
}
