import type { OrgId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import type { JobEventRow } from '../results/tables/job-event.table.ts';
import { followTimeline } from './follow-timeline.ts';
import type { TimelineNews } from './timeline-hub.ts';

/** What a job that waits for an equal one shows of it: what its steps do, not how it ends. */
const RELAYED = /^(STARTED|RESUMED|TASK_.*)$/;

/** News of a job, or what its leader did meanwhile. */
export type RelayedNews =
  | { readonly own: TimelineNews | undefined }
  | { readonly leaderJobId: string; readonly events: readonly JobEventRow[] };

/** Reads a job's timeline and, while it waits for an equal job, that one's. */
export class RelayedTimeline implements Disposable {
  readonly #platform: Platform;
  readonly #place: { readonly orgId: OrgId; readonly jobId: string };
  readonly #own: ReturnType<typeof followTimeline>;
  #leader: Leader | undefined;
  #ownNews: Promise<RelayedNews> | undefined;

  constructor(platform: Platform, place: { readonly orgId: OrgId; readonly jobId: string }) {
    this.#platform = platform;
    this.#place = place;
    this.#own = followTimeline(platform, place);
  }

  /** What comes next behind the event `last`. */
  async read(last: number, signal: AbortSignal): Promise<RelayedNews> {
    this.#ownNews ??= this.#own.readAfter(last, signal).then((own) => ({ own }));
    const leader = this.#leader;
    if (!leader) return this.#take(await this.#ownNews);
    leader.news ??= leader.timeline.readAfter(leader.last, signal).then((news) => {
      const events = news?.events ?? [];
      leader.last = events.at(-1)?.seq_no ?? leader.last;
      // What comes after its end is this job's own news.
      leader.isOver = news === undefined || news.isOver;
      return { leaderJobId: leader.jobId, events: events.filter(({ event }) => RELAYED.test(event)) };
    });
    const next = await Promise.race([this.#ownNews, leader.isOver ? this.#ownNews : leader.news]);
    return this.#take(next);
  }

  [Symbol.dispose](): void {
    this.#own[Symbol.dispose]();
    this.#leader?.timeline[Symbol.dispose]();
  }

  #take(news: RelayedNews): RelayedNews {
    if ('own' in news) {
      this.#ownNews = undefined;
      for (const { event, metadata } of news.own?.events ?? []) this.#lead(event, metadata.leader_job_id);
    } else if (this.#leader) this.#leader.news = undefined;
    return news;
  }

  #lead(event: string, jobId: unknown): void {
    this.#leader?.timeline[Symbol.dispose]();
    this.#leader = undefined;
    if (event !== 'JOB_JOINED' || typeof jobId !== 'string') return;
    const { orgId } = this.#place;
    this.#leader = { jobId, timeline: followTimeline(this.#platform, { orgId, jobId }), last: 0, isOver: false };
  }
}

interface Leader {
  readonly jobId: string;
  readonly timeline: ReturnType<typeof followTimeline>;
  last: number;
  isOver: boolean;
  news?: Promise<RelayedNews> | undefined;
}
