import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TMPFS = 0x01021994;

export interface Disk {
  /** True where files are kept in memory, which no power loss survives. */
  readonly isMemory: boolean;
  /** Median milliseconds to append 8 KiB to a file and wait for the disk. */
  readonly syncMs: number;
}

/** Measures the disk on which the servers of a run keep their files. */
export function measureDisk(): Disk {
  const folder = mkdtempSync(join(tmpdir(), 'mad-bench-disk-'));
  const file = openSync(join(folder, 'file'), 'w');
  const page = Buffer.alloc(8192, 1);
  try {
    // As WAL is: a file that has its length already.
    for (let at = 0; at < 64; at++) writeSync(file, page);
    fdatasyncSync(file);
    const times = Array.from({ length: 256 }, (_, at) => {
      const before = performance.now();
      writeSync(file, page, 0, page.length, (at % 64) * page.length);
      fdatasyncSync(file);
      return performance.now() - before;
    });
    return { isMemory: statfsSync(folder).type === TMPFS, syncMs: times.sort((a, b) => a - b)[128] ?? 0 };
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
}
