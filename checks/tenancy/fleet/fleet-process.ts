import { migrateFleet } from '@mad/tenancy';
import { openPlatform, type PlatformUrls } from '../provisioning/provisioning-platform.ts';
import { NOTING_TRACK } from './noting-track.ts';

/** What a process that migrates the fleet is told, as JSON in its first argument. */
export interface FleetProcess extends PlatformUrls {
  readonly leaseMs: number;
  readonly dieAfterMs: number;
}

// Dies while it migrates. It cannot outlive the process that started it.
const { leaseMs, dieAfterMs, ...urls } = JSON.parse(process.argv[2] ?? '') as FleetProcess;
process.stdin.resume().on('end', () => process.exit());
setTimeout(() => process.kill(process.pid, 'SIGKILL'), dieAfterMs);
await migrateFleet(openPlatform(urls), { actor: null, track: NOTING_TRACK, concurrency: 2, leaseMs });
// It was to die on its way: an end without SIGKILL is told as one.
process.exit();
