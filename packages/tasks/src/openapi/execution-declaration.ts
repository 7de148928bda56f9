import { z } from 'zod';

const pointer = z
  .string()
  .max(200)
  .regex(/^(?:\/(?:[^~/]|~[01])*)*$/, 'expected a JSON Pointer such as /state');
const word = z.union([z.string().max(100), z.int(), z.boolean()]).transform(String);
const operation = z.string().min(1).max(300);

/** `info.x-mad.execution`: how a service that takes work over tells of it. Everything that is usual may be left out. */
export const executionDeclarationSchema = z.strictObject({
  /** The operation that tells the state of accepted work: its operationId, or `get /jobs/{job_id}`. */
  status: operation,
  /** Where the id of the work stands in the answer that accepts it. @default the first of `/execution_id`, `/job_id`, `/jobId`, `/id`, `/task_id`, `/taskId` */
  id: pointer.optional(),
  /** The parameter of the status operation that takes the id. @default its only path parameter */
  parameter: z.string().min(1).max(200).optional(),
  /** Where the state stands in the status operation's answer. @default `/status`, else `/state` */
  state: pointer.optional(),
  /** States that mean it has ended well. @default completed, succeeded, success, successful, done, finished */
  completed: z.array(word).max(50).optional(),
  /** @default failed, failure, error, errored */
  failed: z.array(word).max(50).optional(),
  /** @default canceled, cancelled, aborted, revoked */
  canceled: z.array(word).max(50).optional(),
  /** States that mean it goes on. @default the usual ones: queued, pending, running, started … */
  running: z.array(word).max(50).optional(),
  /** Where its progress stands. @default `/progress` */
  progress: pointer.optional(),
  /** The progress of work that is done. @default 1 */
  progressMax: z.number().positive().max(1e9).optional(),
  /** Where the result stands in the status operation's answer, `""` for all of it. @default `/result` */
  result: pointer.optional(),
  /** The operation that gives the result once the work has ended; takes the id as the status operation does. */
  resultOperation: operation.optional(),
  /** Where the error stands in the status operation's answer. @default `/error` */
  error: pointer.optional(),
  /** The operation that cancels the work. @default DELETE on the path of the status operation */
  cancel: operation.optional(),
});

export type ExecutionDeclaration = z.output<typeof executionDeclarationSchema>;
