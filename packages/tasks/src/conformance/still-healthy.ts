import { TaskFailedError } from '@mad/core';
import { below } from '../client/exchange/service-call.ts';
import { describeFailure } from './describe-answer.ts';
import type { Inspection } from './inspection.ts';

/** What is wrong with the service now that was not at the beginning of the run; undefined: nothing. */
export async function describeHealth({ service, healthPath, healthStatus }: Inspection): Promise<string | undefined> {
  try {
    const { status } = await service.ask({ method: 'GET', url: below(service.url, healthPath) });
    const isAsBefore = healthStatus === undefined || status === healthStatus;
    return isAsBefore ? undefined : `${healthPath} answers ${status}, and ${healthStatus} before`;
  } catch (error) {
    if (error instanceof TaskFailedError) return `${healthPath} is not answered (${describeFailure(error)})`;
    throw error;
  }
}
