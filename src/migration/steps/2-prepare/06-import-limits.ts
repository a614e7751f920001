import { importPart } from '../../import-part.ts';

export const importLimits = importPart('limits', 'import-limits', 'the limits');
