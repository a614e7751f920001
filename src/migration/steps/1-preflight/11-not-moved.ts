import { type Check, pass, warn } from '../../check.ts';

/** What stays behind is said before anything starts. */
export const notMoved: Check = {
  id: 'not-moved',
  name: 'What will not be moved',
  async ask({ source, migration, report }) {
    const { record } = await source.apps.get({ app: migration.srcAppName });
    const left = record.collaborators
      .filter((person) => person.status !== 'accepted')
      .map((person) => `collaborator ${person.email}: the invitation is pending`);
    let all: string[] = left;
    await report((r) => {
      r.notMoved = [...r.notMoved.filter((line) => !line.startsWith('collaborator ')), ...left];
      all = r.notMoved;
    });
    return all.length === 0 ? pass('everything is moved') : warn(all.join('; '), 'Nothing to do if you agree.');
  },
};
