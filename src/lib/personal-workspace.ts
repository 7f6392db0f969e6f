import { slugOf } from './slug.ts'

/**
 * What the organization is called that everyone has to themselves; at most 80 characters and 48 of the slug. `suffix`: 10
 * random hex digits, so that even the millionth of one name meets a taken slug with a chance of one in a million.
 */
export function personalWorkspace(
  displayName: string,
  suffix: string,
): { readonly name: string; readonly slug: string } {
  return {
    name: `${[...displayName].slice(0, 68).join('')}'s workspace`,
    slug: `${slugOf(displayName, 36) || 'workspace'}-${suffix}`,
  }
}
