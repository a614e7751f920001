import { importPart } from '../../import-part.ts';

export const importEnvironment = importPart('environment', 'import-environment', 'the environment');
