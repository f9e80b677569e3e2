/** The members a JSON object or an options object must have: all of these and no others. */
export function hasExactly<Name extends string>(
  value: unknown,
  names: readonly Name[],
): value is Record<Name, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const present = Object.keys(value)
  return present.length === names.length && names.every((name) => Object.hasOwn(value, name))
}
