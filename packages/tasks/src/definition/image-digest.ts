import { findByPointer, type JsonObject } from '@mad/core';

/** The digest by which a service configuration names its image: `example/dock@sha256:…`; null where it names none. */
export function imageDigest(serviceConfig: JsonObject): string | null {
  const image = findByPointer(serviceConfig, '/docker_image');
  return (typeof image === 'string' ? /@(sha256:[0-9a-f]{64})$/.exec(image)?.[1] : undefined) ?? null;
}
