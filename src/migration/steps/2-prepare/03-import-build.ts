import { importPart } from '../../import-part.ts';

export const importBuild = importPart('build', 'import-build', 'the build');
