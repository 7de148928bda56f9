import type { TaskDefinitionRow } from '@mad/core';
import { interfaceDigest } from './definition/interface-digest.ts';
import { parseDocument } from './definition/parse-document.ts';
import { createTaskInterface, type TaskInterface } from './openapi/task-interface.ts';

/** The interfaces in use, each read and compiled once however many organizations share it; the least recently used go first. */
export class InterfaceCache {
  readonly #limit: number;
  readonly #interfaces = new Map<string, TaskInterface>();

  constructor({ limit }: { readonly limit: number }) {
    this.#limit = limit;
  }

  get({ interface_digest, interface_spec }: TaskDefinitionRow): TaskInterface {
    const digest = interface_digest ?? interfaceDigest(interface_spec);
    // The row may have been written by somebody else: it passes the same gate as a new document.
    const found = this.#interfaces.get(digest) ?? createTaskInterface(parseDocument(interface_spec));
    // A Map keeps the order of insertion: taken out and put back, the entry is the youngest.
    this.#interfaces.delete(digest);
    this.#interfaces.set(digest, found);
    const [oldest] = this.#interfaces.keys();
    if (this.#interfaces.size > this.#limit && oldest !== undefined) this.#interfaces.delete(oldest);
    return found;
  }
}
