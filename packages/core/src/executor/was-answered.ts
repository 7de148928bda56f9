/** Failures by which a caller cannot tell whether the service has done the work. */
const UNANSWERED = new Set(['CONNECTION_LOST', 'EXECUTION_LOST', 'SERVICE_UNAVAILABLE', 'TIMEOUT', 'WORKER_LOST']);

/** True when a failure is the service's own answer, so that asking again is a new question under a new idempotency key. */
export function wasAnswered(failureCode: unknown): boolean {
  return typeof failureCode === 'string' && !UNANSWERED.has(failureCode);
}

/** Failures after which the work that a service had taken over may still go on there. */
const GOES_ON = new Set(['CONNECTION_LOST', 'SERVICE_UNAVAILABLE', 'WORKER_LOST']);

export function mayGoOn(failureCode: unknown): boolean {
  return typeof failureCode === 'string' && GOES_ON.has(failureCode);
}
