import { importPart } from '../../import-part.ts';

export const importChecks = importPart('checks', 'import-checks', 'the checks');
