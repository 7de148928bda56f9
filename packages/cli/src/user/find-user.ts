import {
  findUser,
  findUserByEmail,
  inAllOrganizations,
  isUuid,
  type MetadataDatabase,
  NotFoundError,
  type UserRow,
} from '@mad/core';

/** How a user is given. */
export const USER_HELP = 'their uuid, or their e-mail address';

/** The user of this uuid or address. @throws {NotFoundError} */
export async function requireUser(metadata: MetadataDatabase, text: string): Promise<UserRow> {
  const user = await inAllOrganizations(metadata, (tx) =>
    isUuid(text) ? findUser(tx, { userId: text.toLowerCase() }) : findUserByEmail(tx, { email: text }),
  );
  if (user) return user;
  const where = 'the Metadata DB';
  throw new NotFoundError({ entity: 'user', id: text, where, hint: 'mad user list shows those that are there' });
}
