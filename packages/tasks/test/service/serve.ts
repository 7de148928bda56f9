import { createTaskService, type TaskService, type TaskServiceOptions } from '@mad/tasks/service';
import { measure, wait } from '../operations.ts';

export interface CallMore {
  /** Text as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export interface Served extends AsyncDisposable {
  readonly url: string;
  readonly service: TaskService;
  call(method: string, path: string, more?: CallMore): Promise<Answered>;
}

/** `measure` and `wait`, unless the test names others, on a server of their own. */
export async function serve(options: Partial<TaskServiceOptions> = {}): Promise<Served> {
  const service = createTaskService({ operations: [measure, wait], ...options });
  const { url } = await service.listen();
  return {
    url,
    service,
    async call(method, path, more = {}) {
      const response = await fetch(url + path, toInit(method, more));
      return { status: response.status, headers: response.headers, body: (await response.json()) as Answered['body'] };
    },
    [Symbol.asyncDispose]: () => service.close({ graceMs: 0, cancelMs: 0 }),
  };
}

export function toInit(method: string, { body, headers, signal }: CallMore): RequestInit {
  return {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  };
}
