/** The one organization of the bench, and the schema of its Results DB. */
export const ORG_ID = '0195d0c0-0000-7000-8000-00000000000a';
export const SCHEMA = 'org_a';
