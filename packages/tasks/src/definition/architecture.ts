import { findByPointer, type JsonObject } from '@mad/core';

/** The machine that a service configuration asks for, such as `linux/amd64`: its `platform`; null where it names none. */
export function readArchitecture(serviceConfig: JsonObject): string | null {
  const platform = findByPointer(serviceConfig, '/platform');
  return typeof platform === 'string' && platform !== '' ? platform.toLowerCase() : null;
}
