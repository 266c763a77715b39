"""Entry point of the web app: `python app.py [--host H] [--port P]`."""

from app.launch import main

if __name__ == "__main__":
    main()
