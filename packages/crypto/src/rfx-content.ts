import { type AssignmentFile, assertFile, encodeFile, parseFile } from './assignment-file.ts'
import type { Bytes } from './bytes.ts'
import { assertOneOf, assertUuid } from './claims.ts'
import { CryptoError } from './errors.ts'
import { encodeJson, parseJson } from './json.ts'
import { hasExactly } from './members.ts'
import { assertText } from './text.ts'

const fieldTypes = ['text', 'number', 'date', 'choice'] as const

/** What the value of a field is: any text; digits with at most one point; `YYYY-MM-DD`; one of a list the page knows. */
export type SpecificationFieldType = (typeof fieldTypes)[number]

export interface SpecificationField {
  /** A UUID. */
  readonly id: string
  readonly label: string
  readonly type: SpecificationFieldType
  /** Empty while it is not filled in. */
  readonly value: string
}

export interface SpecificationSection {
  /** A UUID. */
  readonly id: string
  readonly heading: string
  /** At most 200. */
  readonly fields: readonly SpecificationField[]
}

/** What a project asks for: at most 200 sections. No id of a section or field occurs twice. */
export interface Specification {
  readonly sections: readonly SpecificationSection[]
}

export interface RfxCommentContent {
  /** 1 to 10 000 characters. */
  readonly text: string
  /** Id of the section it is about. */
  readonly section: string | null
}

export interface RfxDocumentContent {
  readonly file: AssignmentFile
}

export interface RfxBidContent {
  readonly text: string
  /** Digits, at most one point and two decimals. */
  readonly amount: string | null
  readonly currency: 'NOK'
  readonly files: readonly AssignmentFile[]
}

const titleMaximum = 200
const commentMaximum = 10_000
const listMaximum = 200
const specificationMaximumByteLength = 524_288

/**
 * Writes the title of a project as the plaintext of an entry.
 *
 * @param title - 1 to 200 characters.
 * @throws {TypeError | RangeError} `title` is not that.
 *
 * @example
 * ```ts
 * parseRfxTitle(encodeRfxTitle('Ny skole')) // 'Ny skole'
 * ```
 * @see docs/spec/rfx.md
 */
export function encodeRfxTitle(title: string): Bytes {
  return encode({ title }, assertTitle)
}

/**
 * Reads what {@link encodeRfxTitle} wrote.
 *
 * @throws {CryptoError} `open_failed`: anything else.
 */
export function parseRfxTitle(bytes: Uint8Array): string {
  return parse(bytes, assertTitle).title
}

/**
 * Writes a specification as the plaintext of an entry.
 *
 * @throws {TypeError | RangeError} `specification` is not what its type says, has more or longer lists or an id twice,
 *   or takes more than 524 288 bytes.
 *
 * @see docs/spec/rfx.md
 */
export function encodeSpecification(specification: Specification): Bytes {
  const bytes = encode(specification, assertSpecification, ({ sections }) => {
    return { sections: sections.map(orderedSection) }
  })
  if (bytes.byteLength > specificationMaximumByteLength) {
    throw new RangeError('specification must not take more than 524288 bytes')
  }
  return bytes
}

/**
 * Reads what {@link encodeSpecification} wrote.
 *
 * @throws {CryptoError} `open_failed`: anything else.
 */
export function parseSpecification(bytes: Uint8Array): Specification {
  if (bytes.byteLength > specificationMaximumByteLength) throw new CryptoError('open_failed')
  return parse(bytes, assertSpecification)
}

/**
 * Writes a comment as the plaintext of an entry.
 *
 * @throws {TypeError | RangeError} `comment` is not what its type says.
 *
 * @see docs/spec/rfx.md
 */
export function encodeRfxComment(comment: RfxCommentContent): Bytes {
  return encode(comment, assertComment, ({ text, section }) => ({ text, section }))
}

/**
 * Reads what {@link encodeRfxComment} wrote.
 *
 * @throws {CryptoError} `open_failed`: anything else.
 */
export function parseRfxComment(bytes: Uint8Array): RfxCommentContent {
  return parse(bytes, assertComment)
}

/**
 * Writes a document as the plaintext of an entry: the file it is.
 *
 * @throws {TypeError | RangeError} `document` is not what its type says.
 *
 * @see docs/spec/rfx.md
 */
export function encodeRfxDocument(document: RfxDocumentContent): Bytes {
  return encode(document, assertDocument, ({ file }) => ({ file: encodeFile(file) }))
}

/**
 * Reads what {@link encodeRfxDocument} wrote.
 *
 * @throws {CryptoError} `open_failed`: anything else.
 */
export function parseRfxDocument(bytes: Uint8Array): RfxDocumentContent {
  return parse(bytes, assertDocument, (value) => ({ ...value, file: parseFile(value.file) }))
}

/**
 * Writes the plaintext of a bid.
 *
 * @throws {TypeError | RangeError} `bid` is not what its type says.
 *
 * @see docs/spec/rfx.md
 */
export function encodeRfxBidContent(bid: RfxBidContent): Bytes {
  return encode(bid, assertBid, ({ text, amount, currency, files }) => {
    return { text, amount, currency, files: files.map(encodeFile) }
  })
}

/**
 * Reads what {@link encodeRfxBidContent} wrote.
 *
 * @throws {CryptoError} `open_failed`: anything else.
 */
export function parseRfxBidContent(bytes: Uint8Array): RfxBidContent {
  return parse(bytes, assertBid, (value) => {
    if (!Array.isArray(value.files)) throw new TypeError('files must be an array')
    return { ...value, files: value.files.map(parseFile) }
  })
}

type Assertion<Content> = (content: unknown) => asserts content is Content

function encode<Content extends object>(
  content: Content,
  assertContent: Assertion<Content>,
  toJson: (content: Content) => object = (same) => same,
): Bytes {
  assertContent(content)
  return encodeJson({ v: 1, ...toJson(content) })
}

function parse<Content extends object>(
  bytes: Uint8Array,
  assertContent: Assertion<Content>,
  fromJson: (value: Record<string, unknown>) => unknown = (same) => same,
): Content {
  try {
    const { v, ...rest } = parseJson(bytes)
    if (v !== 1) throw new TypeError('v must be 1')
    const content = fromJson(rest)
    assertContent(content)
    return content
  } catch (cause) {
    throw new CryptoError('open_failed', { cause })
  }
}

function orderedSection({ id, heading, fields }: SpecificationSection): SpecificationSection {
  return { id, heading, fields: fields.map(({ id, label, type, value }) => ({ id, label, type, value })) }
}

const assertTitle: Assertion<{ readonly title: string }> = (content) => {
  assertMembers(content, ['title'], 'title')
  assertLength(content.title, titleMaximum, 'title')
}

const assertSpecification: Assertion<Specification> = (content) => {
  assertMembers(content, ['sections'], 'specification')
  assertList(content.sections, 'sections')
  const ids = new Set<string>()
  let count = 0
  for (const [index, section] of content.sections.entries()) {
    const at = `sections[${index}]`
    assertSection(section, at)
    for (const { id } of [section, ...section.fields]) {
      ids.add(id)
      count++
    }
  }
  if (ids.size !== count) throw new RangeError('sections must not have an id twice')
}

function assertSection(section: unknown, at: string): asserts section is SpecificationSection {
  assertMembers(section, ['id', 'heading', 'fields'], at)
  assertUuid(section.id, `${at}.id`)
  assertText(section.heading, `${at}.heading`)
  assertList(section.fields, `${at}.fields`)
  for (const [index, field] of section.fields.entries()) assertField(field, `${at}.fields[${index}]`)
}

function assertField(field: unknown, at: string): asserts field is SpecificationField {
  assertMembers(field, ['id', 'label', 'type', 'value'], at)
  const { id, label, type, value } = field
  assertUuid(id, `${at}.id`)
  assertText(label, `${at}.label`)
  assertOneOf(type, fieldTypes, `${at}.type`)
  assertText(value, `${at}.value`)
  if (value === '') return
  if (type === 'number' && !/^\d+(?:\.\d+)?$/.test(value)) throw new RangeError(`${at}.value must be a number`)
  if (type === 'date' && !isDate(value)) throw new RangeError(`${at}.value must be a date`)
}

const assertComment: Assertion<RfxCommentContent> = (content) => {
  assertMembers(content, ['text', 'section'], 'comment')
  assertLength(content.text, commentMaximum, 'comment.text')
  if (content.section !== null) assertUuid(content.section, 'comment.section')
}

const assertDocument: Assertion<RfxDocumentContent> = (content) => {
  assertMembers(content, ['file'], 'document')
  assertFile(content.file, 'document.file')
}

const assertBid: Assertion<RfxBidContent> = (content) => {
  assertMembers(content, ['text', 'amount', 'currency', 'files'], 'bid')
  const { text, amount, currency, files } = content
  assertText(text, 'bid.text')
  if (amount !== null) {
    assertText(amount, 'bid.amount')
    if (!/^\d+(?:\.\d{1,2})?$/.test(amount)) throw new RangeError('bid.amount must have at most two decimals')
  }
  if (currency !== 'NOK') throw new TypeError('bid.currency must be NOK')
  if (!Array.isArray(files)) throw new TypeError('bid.files must be an array')
  for (const [index, file] of files.entries()) assertFile(file, `bid.files[${index}]`)
}

function assertMembers<Name extends string>(
  value: unknown,
  names: readonly Name[],
  at: string,
): asserts value is Record<Name, unknown> {
  if (!hasExactly(value, names)) throw new TypeError(`${at} must have exactly: ${names.join(', ')}`)
}

function assertList(value: unknown, name: string): asserts value is unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`${name} must be an array`)
  if (value.length > listMaximum) throw new RangeError(`${name} must be at most ${listMaximum}`)
}

/** Characters are Unicode code points. */
function assertLength(value: unknown, maximum: number, name: string): asserts value is string {
  assertText(value, name)
  const { length } = Array.from(value)
  if (length < 1 || length > maximum) throw new RangeError(`${name} must be 1 to ${maximum} characters`)
}

/** A day of the Gregorian calendar as `YYYY-MM-DD`. */
function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}
