import { ValidationFailedError } from '@mad/core';

/** The address that the paths of a document are below, without a slash at its end. @throws {ValidationFailedError} */
export function readServiceUrl(text: string): string {
  const url = URL.parse(text);
  const fits =
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === '';
  const normalized = url?.href.replace(/\/+$/, '') ?? '';
  if (fits && normalized.length <= 500) return normalized;
  throw new ValidationFailedError({
    subject: 'service',
    issues: [
      {
        pointer: '/serviceUrl',
        message: 'expected an http or https URL of at most 500 characters, without credentials and query',
      },
    ],
  });
}
