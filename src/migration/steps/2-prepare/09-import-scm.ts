import { importPart } from '../../import-part.ts';

export const importScm = importPart('scm', 'import-scm', 'the SCM link');
