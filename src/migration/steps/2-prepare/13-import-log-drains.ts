import { importPart } from '../../import-part.ts';

export const importLogDrains = importPart('logDrains', 'import-log-drains', 'the log drains');
