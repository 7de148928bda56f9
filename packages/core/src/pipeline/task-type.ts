declare const TYPES: unique symbol;

/** A task as a pipeline names it, together with the types of its request and response, which exist for the compiler alone. */
export interface TaskType<Request extends object, Response extends object> {
  /** `taskKey@range`, such as `dock@^1.0`. */
  readonly task: string;
  /** Never there at run time. Functions, so that a request may be taken wider and a response narrower, not the other way round. */
  readonly [TYPES]?: { readonly takes: (request: Request) => void; readonly gives: () => Response };
}

/** Names a task and declares its types; nothing holds them against the registered document before the pipeline is published. */
export function taskOf<Request extends object, Response extends object>(task: string): TaskType<Request, Response> {
  return { task };
}
