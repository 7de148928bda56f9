/** Below 0 when the mirror shows an earlier moment of the job than the row, above 0 when a later one. */
export function comparePoints(
  mirror: { readonly fence: number; readonly event_no: number },
  job: { readonly fence: number; readonly last_event_seq: number },
): number {
  return mirror.fence - job.fence || mirror.event_no - job.last_event_seq;
}
