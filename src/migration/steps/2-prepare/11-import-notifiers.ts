import { importPart } from '../../import-part.ts';

export const importNotifiers = importPart('notifiers', 'import-notifiers', 'the notifiers');
