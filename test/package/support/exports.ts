/** The names that a package has at run time, read from its JavaScript: a type that its declarations promise is not there. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

const known = new Map<string, Set<string>>();

/** @returns names as they are imported, "FieldType", and the members of enumerations, "FieldType.time" */
export function runtimeExports(folder: string): Set<string> {
  const { module, main } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const names = known.get(folder) ?? (module ? fromModule(join(folder, module)) : fromCommonJs(join(folder, main)));
  known.set(folder, names);
  return names;
}

function fromModule(path: string): Set<string> {
  const file = parse(path);
  const names = new Set<string>();
  const add = (name: string, definition: ts.SourceFile | undefined, local: string) => {
    names.add(name);
    (definition ? members(definition, local) : []).forEach((member) => names.add(`${name}.${member}`));
  };
  const imports = importsOf(file);
  for (const statement of file.statements) {
    if (ts.isExportDeclaration(statement)) {
      const from = statement.moduleSpecifier && (statement.moduleSpecifier as ts.StringLiteral).text;
      const target = from && beside(path, from);
      if (!statement.exportClause) {
        // A package must not hide here what it exports of another one: it would be reported as missing, not as there.
        [...(target ? fromModule(target) : [])].forEach((name) => names.add(name));
      } else if (ts.isNamedExports(statement.exportClause)) {
        for (const { name, propertyName } of statement.exportClause.elements) {
          const local = (propertyName ?? name).text;
          const source = from ? target : imports.get(local);
          add(name.text, source ? parse(source) : from ? undefined : file, local);
        }
      } else {
        names.add(statement.exportClause.name.text);
      }
    } else if (ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some(isExport)) {
      declared(statement).forEach((name) => add(name, file, name));
    }
  }
  return names;
}

/** What a file imports from files beside it, by local name. */
function importsOf(file: ts.SourceFile): Map<string, string> {
  const imports = new Map<string, string>();
  for (const statement of file.statements.filter(ts.isImportDeclaration)) {
    const target = beside(file.fileName, (statement.moduleSpecifier as ts.StringLiteral).text);
    const bindings = statement.importClause?.namedBindings;
    if (target && bindings && ts.isNamedImports(bindings)) {
      bindings.elements.forEach(({ name }) => imports.set(name.text, target));
    }
  }
  return imports;
}

function declared(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  return ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement) ? [statement.name!.text] : [];
}

/** Of a compiled enumeration: `var Colour = ((Colour2) => { Colour2["red"] = "red"; … })(Colour || {})`. */
function members(file: ts.SourceFile, name: string): string[] {
  const found: string[] = [];
  const declarations = file.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => [...declarationList.declarations])
    .filter((declaration) => declaration.name.getText() === name);
  const look = (node: ts.Node): void => {
    if (ts.isElementAccessExpression(node) && ts.isStringLiteral(node.argumentExpression)) {
      found.push(node.argumentExpression.text);
    }
    ts.forEachChild(node, look);
  };
  declarations.forEach(look);
  return found;
}

/** `exports.useState = …`, as React has it, behind a first file that chooses between development and production. */
function fromCommonJs(path: string): Set<string> {
  const names = new Set<string>();
  const look = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && ts.isBinaryExpression(node.parent) && node.parent.left === node) {
      if (node.expression.getText() === 'exports') {
        names.add(node.name.text);
      }
    } else if (ts.isCallExpression(node) && node.expression.getText() === 'require') {
      const target = beside(path, (node.arguments[0] as ts.StringLiteral).text);
      if (target && /production/.test(target)) {
        fromCommonJs(target).forEach((name) => names.add(name));
      }
    }
    ts.forEachChild(node, look);
  };
  look(parse(path));
  return names;
}

function beside(path: string, specifier: string): string | undefined {
  const target = join(dirname(path), specifier);
  return specifier.startsWith('.') ? [target, `${target}.js`].find(existsSync) : undefined;
}

const isExport = ({ kind }: ts.ModifierLike) => kind === ts.SyntaxKind.ExportKeyword;

function parse(path: string): ts.SourceFile {
  return ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
}
