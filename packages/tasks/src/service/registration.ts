import type { JsonObject } from '@mad/core';

/** Where running instances of operations are made known, so that callers find them. */
export interface ServiceRegistration {
  /** Makes an instance known, or finds it where its address is known already. Called again whenever a heartbeat has failed. */
  register(instance: InstanceFacts): Promise<RegisteredInstance>;
}

/** One operation of one running service. */
export interface InstanceFacts {
  readonly taskKey: string;
  /** What the paths of its document are below, such as `http://10.0.0.7:8080/dock`. */
  readonly serviceUrl: string;
  /** Its OpenAPI document. */
  readonly document: JsonObject;
  /** Executions that run at once. */
  readonly capacity: number;
}

export interface RegisteredInstance {
  heartbeat(load: InstanceLoad): Promise<void>;
  /** After this nobody is led to the instance. */
  deregister(): Promise<void>;
}

export interface InstanceLoad {
  readonly running: number;
  /** Executions that wait for a place. */
  readonly waiting: number;
  /** True once it takes no more work; what runs may still be asked for. */
  readonly draining: boolean;
}
