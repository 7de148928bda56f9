import { readdirSync, readFileSync } from 'node:fs';

/** True while the process runs; one that has ended and waits for its parent to notice does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** The living child processes of a process, by the kernel's own list. */
export function listChildren(parent: number): { pid: number; name: string }[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const [, name = '', state, ppid] = /^\d+ \((.*)\) (\S) (\d+)/.exec(stat) ?? [];
      return Number(ppid) === parent && state !== 'Z' ? [{ pid: Number(entry), name }] : [];
    } catch {
      return [];
    }
  });
}
