/** The API reference: reads `openapi.json` and shows it. Nothing comes from another host. */
export const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Nøkkel API</title>
<link rel="stylesheet" href="reference/style.css">
<script type="module" src="reference/script.js"></script>
</head>
<body>
<header>
<h1>Nøkkel API</h1>
<p id="about"></p>
<label for="search">Search operations</label>
<input id="search" type="search" autocomplete="off">
<p><a href="openapi.json">OpenAPI 3.1 document</a></p>
</header>
<main id="operations" aria-live="polite"></main>
<noscript>This page needs JavaScript; the OpenAPI document does not.</noscript>
</body>
</html>
`
