export * from "./assignments.ts";
export * from "./blobs.ts";
export * from "./devices.ts";
export * from "./login.ts";
export type { AnswerOf, Operation, ParsedOf, RequestOf } from "./operation.ts";
export * from "./organizations.ts";
export * from "./problems.ts";
export * from "./service.ts";
export * from "./sessions.ts";
